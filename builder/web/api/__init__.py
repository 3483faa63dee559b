"""The HTTP API: the operations of our own pages for programs, described by an OpenAPI document."""
