"""What one request knows: the workspace, who asks, in which language, and how values read there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, request

from builder.identity import Session
from builder.web.i18n import Formats, translations
from builder.workspace import Work, Workspace
from engines.core import LocalizedText, Principal, PrincipalKind


@dataclass(slots=True, kw_only=True)
class Site:
    """The surroundings of one request."""

    workspace: Workspace
    locale: str
    # The signed-in session; None for visitors.
    session: Session | None
    principal: Principal
    # What CSRF tokens of this sender derive from: the session's or the visitor's cookie.
    secret: str

    @property
    def formats(self) -> Formats:
        """How values read for this visitor."""
        clock = self.workspace.clock
        return Formats(self.locale, ZoneInfo(str(clock.zone())), clock.now())

    def text(self, value: Any) -> str:
        """A localised text of a definition in this request's language."""
        return LocalizedText.of(value).get(self.locale)


def site() -> Site:
    """The current request's surroundings."""
    found: Site = g.site
    return found


def _(message: str, **values: Any) -> str:
    """A sentence of ours in the request's language, with ``%(name)s`` filled in."""
    text = translations(site().locale).gettext(message)
    return text % values if values else text


def visitor(locale: str, app: str = "") -> Principal:
    """Somebody who is not signed in; with ``app``, as its public links see them."""
    roles = frozenset({f"{app}.public"}) if app else frozenset[str]()
    return Principal(kind=PrincipalKind.PUBLIC, roles=roles, locale=locale)


@contextmanager
def reading(principal: Principal | None = None) -> Iterator[Work]:
    """A read of the current workspace as the person who asks."""
    here = site()
    with here.workspace.read(principal or here.principal) as work:
        yield work


def wants_fragment() -> bool:
    """Whether htmx asked, and so only a part of the page is needed."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
