"""A new form from nothing: its first field, layouts, a list, a place in the menu, and rights to begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.definitions import join_path
from builder.releases import Draft
from builder.web.context import _, site
from builder.web.studio.differences import below
from builder.web.studio.drafting import DraftView
from builder.web.studio.form_designer import slug
from builder.web.studio.properties import NAME
from engines.core import InputError, InputProblem

SEE = ("see", "export", "print", "comment")
OWN = ("see", "create", "edit", "export", "print", "share", "comment")
ALL = ("see", "create", "edit", "delete", "import", "export", "print", "share", "comment")
# What a role may be given at first; the designer refines it.
LEVELS = ("none", "see", "own", "all")
_MOST = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody asks for."""

    labels: Mapping[str, str]
    plurals: Mapping[str, str]
    # "" makes one from the label.
    name: str
    # Name of the menu's group it goes into; "" for the top.
    group: str
    # Level by role.
    rights: Mapping[str, str]


def create(draft: Draft, found: DraftView, wanted: Wanted) -> str:
    """The name of the new form; ``InputError`` for a name that is taken or none, or without a label."""
    name = wanted.name or slug(wanted.labels.get("en", "")) or slug(wanted.labels.get("zh", ""))
    if not any(wanted.labels.values()):
        raise InputError([InputProblem(pointer="/zh", code="form.required")])
    if not NAME.fullmatch(name):
        raise InputError([InputProblem(pointer="/name", code="release.bad_name", params={"name": name})])
    if f"form:{name}" in found.documents:
        raise InputError([InputProblem(pointer="/name", code="release.name_taken", params={"name": name})])
    draft.edit(f"form:{name}", definition(name, wanted), file=f"forms/{name}.form.json")
    items = join_path("app", "menu", wanted.group, "items") if wanted.group else join_path("app", "menu")
    entry = {"name": _free(name, draft.value(items)), "label": _plurals(wanted), "form": name, "view": "all"}
    draft.edit(below(items, entry["name"]), entry)
    return name


def definition(name: str, wanted: Wanted) -> dict[str, Any]:
    """The form's data."""
    label = _both(wanted.labels)
    shown = [{"field": "name"}]
    section = {"type": "section", "name": "main", "label": label, "columns": 2, "items": shown}
    timeline = {"type": "timeline", "name": "timeline", "label": {"zh": "时间线", "en": "Timeline"}}
    return {
        "name": name,
        "label": label,
        "plural": _plurals(wanted),
        "title": "name",
        "fields": [
            {
                "name": "name",
                "type": "text",
                "label": {"zh": "名称", "en": "Name"},
                "required": True,
                "search": True,
                "max_length": 120,
            }
        ],
        "layouts": [
            {"name": "edit", "purpose": "edit", "items": [section]},
            {"name": "page", "purpose": "page", "items": [section, timeline]},
        ],
        "views": [
            {
                "name": "all",
                "label": {"zh": "全部", "en": "All"},
                "columns": ["name", "owner", "updated_at"],
                "sort": [{"field": "updated_at", "direction": "desc"}],
            }
        ],
        "permissions": permissions(wanted.rights),
    }


def permissions(rights: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rights that levels mean; the app's own rules and processes may do everything."""
    found: list[dict[str, Any]] = []
    for role, level in rights.items():
        if level == "see":
            found.append({"role": role, "operations": list(SEE)})
        elif level == "own":
            found.append({"role": role, "operations": list(OWN), "rows": "owner = me"})
        elif level == "all":
            found.append({"role": role, "operations": list(ALL)})
    return [*found, {"role": "app", "operations": list(ALL)}]


def roles(found: DraftView) -> list[tuple[str, str, str]]:
    """The app's roles: name, label, and the level that what they may do elsewhere suggests."""
    listed = [
        role
        for key, document in found.documents.items()
        if key.startswith("roles:") and isinstance(document.data, Mapping)
        for role in document.data.get("roles") or []
    ]
    granted = [
        document.data.get("permissions") or []
        for key, document in found.documents.items()
        if key.startswith("form:") and isinstance(document.data, Mapping)
    ]
    return [(r["name"], site().text(r.get("label")) or r["name"], _suggested(r["name"], granted)) for r in listed]


def _suggested(role: str, granted: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    """What a role has on most forms."""
    forms = len(granted) or 1
    own = [p for permissions in granted for p in permissions if p.get("role") == role]

    def share(operation: str, *, all_rows: bool = False) -> float:
        having = [p for p in own if operation in p["operations"] and not (all_rows and p.get("rows"))]
        return len(having) / forms

    if share("delete", all_rows=True) > _MOST:
        return "all"
    if share("create") > _MOST:
        return "own"
    return "see" if share("see") > _MOST else "none"


def groups(found: DraftView) -> list[tuple[str, str]]:
    """Groups of the menu that an entry may go into: name and label."""
    app = found.documents["app"].data
    return [(i["name"], site().text(i.get("label")) or i["name"]) for i in app.get("menu") or [] if "items" in i]


def level_labels() -> dict[str, str]:
    """What the levels are called."""
    return {"none": _("nothing"), "see": _("read all"), "own": _("enter, and see their own"), "all": _("everything")}


def _both(texts: Mapping[str, str]) -> dict[str, str]:
    """A text in both languages; the one that is missing is taken from the other."""
    zh, en = texts.get("zh", "").strip(), texts.get("en", "").strip()
    return {"zh": zh or en, "en": en or zh}


def _plurals(wanted: Wanted) -> dict[str, str]:
    labels = _both(wanted.labels)
    return _both({code: wanted.plurals.get(code, "").strip() or labels[code] for code in ("zh", "en")})


def _free(name: str, siblings: Any) -> str:
    taken = {item.get("name") for item in siblings} if isinstance(siblings, list) else set()
    return next(n for n in (name, *(f"{name}_{i}" for i in range(2, 10_000))) if n not in taken)
