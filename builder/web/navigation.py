"""The menus: what an app offers, cut down to what the person may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import g, request, url_for

from builder.definitions import CompiledApp
from builder.reports import may_open
from builder.web.access import may
from builder.web.catalogue import apps
from builder.web.context import reading, site

_ICONS = {"phone": "bell"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of a menu."""

    name: str
    label: str
    icon: str
    href: str = ""
    current: bool = False
    items: tuple[Item, ...] = ()

    @property
    def open(self) -> bool:
        """Whether the page shown is below it."""
        return self.current or any(item.open for item in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """The menu of one app."""

    name: str
    label: str
    description: str
    items: tuple[Item, ...]

    @property
    def first(self) -> str:
        """Address of its first page."""
        return next((href for item in self.items for href in _addresses(item)), "")


def menus() -> list[Menu]:
    """Menus of the apps that have something for the person, in order of installation; read once per request."""
    if "menus" not in g:
        g.menus = [menu for app in apps().values() if (menu := menu_of(app)).items]
    found: list[Menu] = g.menus
    return found


def menu_of(app: CompiledApp) -> Menu:
    """An app's menu for the person who asks."""
    here = site()
    return Menu(
        name=app.name,
        label=here.text(app.definition.label),
        description=here.text(app.definition.description),
        items=tuple(_items(app, app.menu)),
    )


def _items(app: CompiledApp, entries: Iterable[Any]) -> Iterable[Item]:
    for entry in entries:
        item = _item(app, entry)
        if item is not None:
            yield item


def _item(app: CompiledApp, entry: Any) -> Item | None:
    if entry.roles and not site().principal.roles & {f"{app.name}.{role}" for role in entry.roles}:
        return None
    label = site().text(entry.label)
    if entry.items:
        items = tuple(_items(app, entry.items))
        return Item(name=entry.name, label=label, icon="folder", items=items) if items else None
    if entry.form:
        form = app.forms.get(entry.form)
        if form is None or not may(form, site().principal, "see"):
            return None
        href = url_for("records.list", app=app.name, form=entry.form, view=entry.view or None)
        current = (
            request.blueprint == "records"
            and (request.view_args or {}).get("app") == app.name
            and (request.view_args or {}).get("form") == entry.form
        )
        return Item(name=entry.name, label=label, icon=_icon(entry, "table"), href=href, current=current)
    if entry.dashboard:
        if not may_open(app, entry.dashboard, site().principal):
            return None
        href = url_for("dashboards.page", app=app.name, dashboard=entry.dashboard)
        current = (request.view_args or {}).get("dashboard") == entry.dashboard
        return Item(name=entry.name, label=label, icon=_icon(entry, "chart"), href=href, current=current)
    return None


def _icon(entry: Any, usual: str) -> str:
    from builder.web.icons import known

    wanted = _ICONS.get(entry.icon, entry.icon)
    return wanted if wanted in known() else usual


def _addresses(item: Item) -> Iterable[str]:
    if item.href:
        yield item.href
    for below in item.items:
        yield from _addresses(below)


def open_tasks() -> int:
    """How many tasks wait for the person."""
    return _counts()[0]


def _counts() -> tuple[int, int]:
    """Open tasks and unread notices, read together once per page."""
    if "counts" not in g:
        with reading() as work:
            g.counts = (work.service("inbox").counts()["todo"], work.service("notifications").unread())
    found: tuple[int, int] = g.counts
    return found


def unread_notifications() -> int:
    """How many notices the person has not read."""
    return _counts()[1]


def studio_apps() -> list[str]:
    """Names of the apps that the person may change."""
    return [name for name in apps() if site().may_build(name)]
