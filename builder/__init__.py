"""The product around the engines: workspaces, releases, identity, runtime, pages, API and command line."""
