"""Serving with waitress, a production WSGI server."""

from __future__ import annotations

from flask import Flask
from waitress.server import create_server

from builder.workspace import Settings


def make_server(app: Flask, settings: Settings):  # type: ignore[no-untyped-def]
    """A bound server; call ``run()`` on it, and ``close()`` to stop. ``OSError`` where the port is taken."""
    return create_server(
        app,
        host=settings.host,
        port=settings.port,
        threads=settings.threads,
        ident="",
        channel_timeout=120,
        max_request_body_size=app.config["MAX_CONTENT_LENGTH"],
        clear_untrusted_proxy_headers=True,
    )


def serve(app: Flask, settings: Settings) -> None:
    """Serves until the process is told to stop."""
    make_server(app, settings).run()
