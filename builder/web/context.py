"""What one request knows: the workspace, who asks, in which language, and how values read there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from flask import current_app, g, redirect, request, url_for
from werkzeug.exceptions import abort

from builder.identity import Identity, SignedIn, may_administer, may_build
from builder.rights.looking import Look
from builder.web.i18n import Formats, translations
from builder.workspace import Work, Workspace
from engines.core import LocalizedText, Principal, PrincipalKind

Result = TypeVar("Result")
# Field of a form that names a rule whose question was answered with yes.
CONFIRMED = "_confirmed"


@dataclass(kw_only=True)
class Site:
    """The surroundings of one request."""

    workspace: Workspace
    locale: str
    # None for visitors.
    signed_in: SignedIn | None
    principal: Principal
    # What CSRF tokens of this sender derive from.
    secret: str
    # Where an admin looks through somebody's eyes: whose, and until when; ``principal`` is that person then.
    look: Look | None = None

    @cached_property
    def formats(self) -> Formats:
        """How values read for this visitor."""
        clock = self.workspace.clock
        return Formats(self.locale, clock.zone(), clock.now())

    @property
    def identity(self) -> Identity:
        """Sign-in of this workspace."""
        return identity_of(self.workspace)

    def text(self, value: Any) -> str:
        """A localised text of a definition in this request's language."""
        return LocalizedText.of(value).get(self.locale)

    def may_build(self, app: str) -> bool:
        """Whether the person may change ``app``."""
        return may_build(self.principal, app)

    @property
    def is_admin(self) -> bool:
        """Whether the person may administer the workspace."""
        return may_administer(self.principal)


def site() -> Site:
    """The current request's surroundings."""
    found: Site = g.site
    return found


def identity_of(workspace: Workspace) -> Identity:
    """The sign-in of a workspace, one per server process because it keeps principals it has read."""
    known: dict[int, Identity] = current_app.extensions["dougong_identities"]
    if id(workspace) not in known:
        known[id(workspace)] = Identity(workspace)
    return known[id(workspace)]


def _(message: str, **values: Any) -> str:
    """A sentence of ours in the request's language, with ``%(name)s`` filled in."""
    text = translations(site().locale).gettext(message)
    return text % values if values else text


def visitor(locale: str) -> Principal:
    """Somebody who is not signed in."""
    return Principal(kind=PrincipalKind.PUBLIC, locale=locale)


def require_person() -> Any:
    """For ``before_request``: sends visitors to the sign-in page, and back afterwards."""
    if site().signed_in is not None:
        return None
    if request.headers.get("HX-Request"):
        abort(401)
    target = request.full_path.rstrip("?") if request.method == "GET" else request.path
    return redirect(url_for("auth.login", next=target))


@contextmanager
def reading(principal: Principal | None = None) -> Iterator[Work]:
    """A read of the current workspace as the person who asks."""
    here = site()
    with here.workspace.read(principal or here.principal) as work:
        yield work


def change(action: Callable[[Work], Result], command: str, *, key: str | None = None, reason: str = "") -> Result:
    """What ``action`` returns, carried out as one command of the person who asks."""
    here = site()

    def confirmed(work: Work) -> Result:
        work.confirmed = frozenset(request.form.getlist(CONFIRMED))
        return action(work)

    result: Result = here.workspace.run(confirmed, here.principal, command=command, key=key, reason=reason)
    return result


def is_fragment() -> bool:
    """Whether htmx asked, and so only a part of the page is needed."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
