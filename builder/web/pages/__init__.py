"""The pages, one blueprint per area."""

from builder.web.api import hooks, resources
from builder.web.pages import (
    admin,
    answers,
    auth,
    dashboards,
    documents,
    feeds,
    files,
    home,
    imports,
    inbox,
    notifications,
    people,
    personal,
    phrases,
    public,
    records,
    search,
    studio,
    task_links,
)

BLUEPRINTS = (
    auth.blueprint,
    home.blueprint,
    imports.blueprint,
    records.blueprint,
    search.blueprint,
    files.blueprint,
    documents.blueprint,
    personal.blueprint,
    dashboards.blueprint,
    feeds.blueprint,
    inbox.blueprint,
    notifications.blueprint,
    people.blueprint,
    phrases.blueprint,
    public.blueprint,
    answers.blueprint,
    task_links.blueprint,
    studio.blueprint,
    admin.blueprint,
    hooks.blueprint,
    resources.blueprint,
    resources.described,
)

__all__ = ["BLUEPRINTS"]
