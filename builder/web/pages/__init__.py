"""The pages, one blueprint per area."""

from builder.web.pages import auth, dashboards, home

BLUEPRINTS = (auth.blueprint, home.blueprint, dashboards.blueprint)

__all__ = ["BLUEPRINTS"]
