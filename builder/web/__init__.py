"""The pages and the HTTP API."""

from builder.web.app import create_app
from builder.web.serve import make_server, serve

__all__ = ["create_app", "make_server", "serve"]
