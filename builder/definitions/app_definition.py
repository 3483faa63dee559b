"""``app.json`` and ``*.roles.json``: what an app is called, offers in its menu, lets admins set, and its roles."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from builder.definitions.webhooks import WebhookDefinition, webhook, webhook_problems
from engines.core import DefinitionSource, Diagnostic, Kind, Loaded, LocalizedText, check_schema, load_json
from engines.core.diagnostics import did_you_mean
from engines.core.ports import Definitions
from engines.core.source import pointer_of

# Roles that exist in every app: its own rules and processes, visitors of public links, and who may change it.
EVERY_APP = ("app", "public", "builder", "shared")


def _schema(name: str) -> Mapping[str, Any]:
    text = (resources.files("builder.definitions") / "schema" / f"{name}.schema.json").read_text("utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


APP_SCHEMA = _schema("app")
ROLES_SCHEMA = _schema("roles")


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """One entry of an app's menu: a list, a dashboard, or entries below it."""

    name: str
    label: LocalizedText
    icon: str = ""
    form: str = ""
    view: str = ""
    dashboard: str = ""
    # Names of roles that see it; empty: all who may open what it leads to.
    roles: tuple[str, ...] = ()
    items: tuple[MenuItem, ...] = ()
    pointer: str = ""

    def walk(self) -> Iterator[MenuItem]:
        """The entry and all below it."""
        yield self
        for item in self.items:
            yield from item.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDefinition:
    """A value that an admin of the workspace may set for the app."""

    name: str
    # text, number, boolean, date or choice
    type: str
    label: LocalizedText
    help: LocalizedText
    # JSON value; None where there is none.
    default: Any = None
    # Names and labels of a choice's options.
    options: tuple[tuple[str, LocalizedText], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppDefinition:
    """What ``app.json`` says."""

    name: str
    version: str
    label: LocalizedText
    description: LocalizedText
    languages: tuple[str, ...]
    menu: tuple[MenuItem, ...]
    settings: tuple[SettingDefinition, ...]
    webhooks: tuple[WebhookDefinition, ...] = ()
    source: DefinitionSource


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDefinition:
    """A role that people may be given."""

    name: str
    label: LocalizedText
    help: LocalizedText


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesDefinition:
    """What a ``*.roles.json`` says."""

    roles: tuple[RoleDefinition, ...]
    source: DefinitionSource


def load_app(source: DefinitionSource) -> Loaded[AppDefinition]:
    """The app's definition, with what is wrong in its file alone."""
    data, problems = load_json(source)
    if data is not None:
        problems += check_schema(data, APP_SCHEMA, source)
    if problems:
        return Loaded(definition=None, diagnostics=tuple(problems))
    return Loaded(definition=_app(data, source), diagnostics=tuple(_setting_problems(data, source)))


def load_roles(source: DefinitionSource) -> Loaded[RolesDefinition]:
    """The roles of a file, with what is wrong in it alone."""
    data, problems = load_json(source)
    if data is not None:
        problems += check_schema(data, ROLES_SCHEMA, source)
    if problems:
        return Loaded(definition=None, diagnostics=tuple(problems))
    roles = tuple(
        RoleDefinition(name=r["name"], label=LocalizedText.of(r["label"]), help=LocalizedText.of(r.get("help")))
        for r in data["roles"]
    )
    return Loaded(definition=RolesDefinition(roles=roles, source=source))


def validate_app(definition: AppDefinition, definitions: Definitions) -> list[Diagnostic]:
    """Menu entries that lead nowhere, or that no role can see."""
    problems: list[Diagnostic] = []
    for top in definition.menu:
        for item in top.walk():
            problems += _menu_problems(item, definition.source, definitions)
    return [*problems, *webhook_problems(definition.webhooks, definition.source, definitions)]


def validate_roles(definition: RolesDefinition, definitions: Definitions) -> list[Diagnostic]:
    """Roles with a name that every app has already."""
    return [
        Diagnostic(code="app.reserved_role", found=role.name, expected=f"a name other than {', '.join(EVERY_APP)}").at(
            definition.source.place(f"/roles/{index}/name")
        )
        for index, role in enumerate(definition.roles)
        if role.name in EVERY_APP
    ]


def _app(data: Mapping[str, Any], source: DefinitionSource) -> AppDefinition:
    return AppDefinition(
        name=data["name"],
        version=data["version"],
        label=LocalizedText.of(data["label"]),
        description=LocalizedText.of(data.get("description")),
        languages=tuple(data.get("languages", ("zh", "en"))),
        menu=_menu(data.get("menu", ()), "/menu"),
        settings=tuple(_setting(s) for s in data.get("settings", ())),
        webhooks=tuple(webhook(w) for w in data.get("webhooks", ())),
        source=source,
    )


def _menu(items: Sequence[Mapping[str, Any]], at: str) -> tuple[MenuItem, ...]:
    return tuple(
        MenuItem(
            name=item["name"],
            label=LocalizedText.of(item["label"]),
            icon=item.get("icon", ""),
            form=item.get("form", ""),
            view=item.get("view", ""),
            dashboard=item.get("dashboard", ""),
            roles=tuple(item.get("roles", ())),
            items=_menu(item.get("items", ()), f"{at}/{index}/items"),
            pointer=f"{at}/{index}",
        )
        for index, item in enumerate(items)
    )


def _setting(data: Mapping[str, Any]) -> SettingDefinition:
    return SettingDefinition(
        name=data["name"],
        type=data["type"],
        label=LocalizedText.of(data["label"]),
        help=LocalizedText.of(data.get("help")),
        default=data.get("default"),
        options=tuple((o["name"], LocalizedText.of(o["label"])) for o in data.get("options", ())),
    )


def _setting_problems(data: Mapping[str, Any], source: DefinitionSource) -> Iterator[Diagnostic]:
    for index, setting in enumerate(data.get("settings", ())):
        names = [option["name"] for option in setting.get("options", ())]
        default = setting.get("default")
        if setting["type"] == "choice" and default is not None and default not in names:
            expected = "one of: " + ", ".join(names)
            hint = did_you_mean(str(default), names)
            found = Diagnostic(code="app.default_no_option", found=str(default), expected=expected, hint=hint)
            yield found.at(source.place(pointer_of("settings", index, "default")))


def _menu_problems(item: MenuItem, source: DefinitionSource, definitions: Definitions) -> Iterator[Diagnostic]:
    wanted = (("form", item.form), ("dashboard", item.dashboard), *(("role", role) for role in item.roles))
    for kind, name in wanted:
        if name and definitions.get(kind, name) is None:
            known = definitions.names(kind)
            yield Diagnostic(
                code=f"app.unknown_{kind}",
                found=name,
                expected="one of: " + ", ".join(known),
                hint=did_you_mean(name, known),
            ).at(source.place(f"{item.pointer}/{'roles' if kind == 'role' else kind}"))
    form = definitions.get("form", item.form) if item.form else None
    views = [view.name for view in form.views] if form is not None else []
    if form is not None and item.view and item.view not in views:
        expected, hint = "one of: " + ", ".join(views), did_you_mean(item.view, views)
        found = Diagnostic(code="app.unknown_view", found=item.view, expected=expected, hint=hint)
        yield found.at(source.place(f"{item.pointer}/view"))


def _itself(definition: Any, definitions: Definitions, **_: Any) -> Any:
    """These kinds run as they are written."""
    return definition


APP = Kind(name="app", suffix="app.json", schema=APP_SCHEMA, load=load_app, validate=validate_app, compile=_itself)
ROLES = Kind(
    name="roles", suffix=".roles.json", schema=ROLES_SCHEMA, load=load_roles, validate=validate_roles, compile=_itself
)
