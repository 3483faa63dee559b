"""The pages, one blueprint per area."""

from builder.web.pages import auth, home

BLUEPRINTS = (auth.blueprint, home.blueprint)

__all__ = ["BLUEPRINTS"]
