"""What templates can use: texts, addresses of bundles, icons, the menus, values in the visitor's language."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, request, url_for
from markupsafe import Markup

from builder.web.assets import Assets
from builder.web.context import site
from builder.web.i18n import LANGUAGES, translations
from builder.web.icons import MARK, icon
from builder.web.navigation import menus, open_tasks, studio_apps, unread_notifications
from builder.web.notices import take_notices
from builder.web.security import csrf_token
from engines.core import LocalizedText, new_id

CURRENT = Markup(' aria-current="page"')
NOTHING = Markup("")


def set_up_templates(app: Flask) -> None:
    """Adds globals and filters to ``app``'s templates."""
    environment = app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.trim_blocks = True
    environment.lstrip_blocks = True
    environment.filters["text"] = lambda value: LocalizedText.of(value).get(_locale())
    for name in ("date", "instant", "instant_seconds", "ago", "number", "plain", "duration", "span"):
        environment.filters[name] = _formatter(name)
    environment.globals.update(icon=icon, mark=MARK, languages=LANGUAGES, here=_here, csrf_field=csrf_field)
    environment.globals.update(script_url=_script, style_url=_style, preload=_preload, notices=take_notices)
    environment.globals.update(
        menus=menus, open_tasks=open_tasks, unread_notifications=unread_notifications, studio_apps=studio_apps
    )
    environment.globals.update(fresh_key=lambda: str(new_id()))
    environment.globals.update(has_page=lambda name: name in app.view_functions)
    environment.globals.update(is_admin=lambda: site().is_admin, person_name=_person_name)
    app.context_processor(_values)


def csrf_field() -> Markup:
    """The hidden input that every form of ours carries."""
    return Markup('<input type="hidden" name="_csrf" value="{}">').format(csrf_token(site().secret))


def _values() -> dict[str, Any]:
    if "site" not in g:
        return {"locale": "en", "nonce": g.get("nonce", ""), "csrf": "", "theme": "", "sandbox_now": "", "look": None}
    theme = request.cookies.get("dg_theme", "")
    return {
        "locale": site().locale,
        "nonce": g.nonce,
        "csrf": csrf_token(site().secret),
        "theme": theme if theme in {"light", "dark"} else "",
        "sandbox_now": _sandbox_now(),
        "look": site().look,
        "app_label": "",
    }


def _sandbox_now() -> str:
    clock = site().workspace.clock
    return site().formats.instant(clock.now()) if clock.offset else ""


def _person_name() -> str:
    principal = site().principal
    return str(principal.attributes.get("name") or principal.attributes.get("login") or "?")


def _here(prefix: str) -> Markup:
    """``aria-current`` where the page shown belongs to ``prefix``."""
    return CURRENT if (request.endpoint or "").startswith(prefix) else NOTHING


def _locale() -> str:
    return site().locale if "site" in g else "en"


def _gettext(message: str) -> str:
    return translations(_locale()).gettext(message)


def _ngettext(one: str, many: str, count: int) -> str:
    return translations(_locale()).ngettext(one, many, count)


def _formatter(name: str) -> Any:
    def show(value: Any, *rest: Any) -> str:
        return "" if value is None else str(getattr(site().formats, name)(value, *rest))

    return show


def _assets() -> Assets:
    found: Assets = current_app.extensions["dougong_assets"]
    return found


def _script(name: str) -> str:
    return url_for("static", filename=f"dist/{_assets().script(name)}")


def _style(name: str) -> str:
    return url_for("static", filename=f"dist/{_assets().style(name)}")


def _preload(name: str) -> list[str]:
    return [url_for("static", filename=f"dist/{file}") for file in _assets().preload(name)]
