"""The pages, one blueprint per area."""

from builder.web.pages import auth, dashboards, home, inbox, notifications, people, public, records, studio

BLUEPRINTS = (
    auth.blueprint,
    home.blueprint,
    records.blueprint,
    dashboards.blueprint,
    inbox.blueprint,
    notifications.blueprint,
    people.blueprint,
    public.blueprint,
    studio.blueprint,
)

__all__ = ["BLUEPRINTS"]
