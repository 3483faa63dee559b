"""How the value of a field reads on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import url_for
from markupsafe import Markup, escape

from builder.definitions.documents import write_json
from builder.files.media_types import RASTER
from builder.web.context import _
from builder.web.forms.model import Names
from builder.web.i18n import Formats
from builder.web.option_labels import option_label
from engines.core import LocalizedText
from engines.form import FieldDefinition, to_json
from engines.form.definition import OptionDefinition
from engines.form.types.dates import format_duration
from engines.form.types.places import ADDRESS_PARTS
from engines.form.types.rich import sanitised

# Id of a file, and query parameters, to its address.
FileLink = Callable[..., str]
# Characters of a long text in a list.
CUT = 80
NONE = Markup('<span class="none">—</span>')
COLORS = frozenset("gray green red amber yellow orange blue violet purple teal cyan pink gold grey".split())


class Display:
    """Turns values into marked-up text, for one person and language."""

    def __init__(self, formats: Formats, names: Names, app: str, *, files: FileLink | None = None) -> None:
        """``files``: where the bytes of a file are read; with the record's rights unless told."""
        self.formats = formats
        self.names = names
        self.app = app
        self.files_at = files or file_link

    def value(self, field: FieldDefinition, value: Any) -> Markup:
        """A value of ``field``; a dash where there is none."""
        if value is None or value == "" or value == []:
            return NONE
        show = _SHOW.get(shown_type(field))
        return show(self, field, value) if show else escape(self.formats.plain(value))

    def short(self, field: FieldDefinition, value: Any) -> Markup:
        """The same for a cell of a list: long texts are cut, pictures small."""
        kind = shown_type(field)
        if value in (None, "", []):
            return NONE
        if kind in {"rich_text", "long_text", "json", "matrix", "ranking"}:
            text = " ".join(self.value(field, value).striptags().split())
            return escape(text if len(text) <= CUT else text[:CUT].rstrip() + "…")
        if kind in {"attachment", "image", "signature"}:
            return self._count_of_files(value)
        return self.value(field, value)

    def text(self, field: FieldDefinition, value: Any) -> str:
        """The same without markup, for titles and files."""
        return self.value(field, value).striptags() if value not in (None, "", []) else ""

    def number(self, field: FieldDefinition, value: Any) -> Markup:
        scale = field.config.get("decimals", field.config.get("scale"))
        shown = escape(self.formats.number(Decimal(value), scale if scale is not None and scale <= 4 else None))
        return Markup('<span class="negative">{}</span>').format(shown) if Decimal(value) < 0 else shown

    def money(self, field: FieldDefinition, value: Any) -> Markup:
        amount = Decimal(value)
        scale = int(field.config.get("decimals", field.config.get("scale", 2)))
        if scale > 2 and amount == amount.quantize(Decimal("0.01")):
            scale = 2
        shown = escape(self.formats.money(amount, str(field.config.get("currency", "CNY")), scale))
        return Markup('<span class="negative">{}</span>').format(shown) if amount < 0 else shown

    def percent(self, field: FieldDefinition, value: Any) -> Markup:
        scale = int(field.config.get("decimals", max(0, int(field.config.get("scale", 4)) - 2)))
        text = self.formats.percent(Decimal(value), scale)
        return escape(text)

    def rating(self, field: FieldDefinition, value: Any) -> Markup:
        most = int(field.config.get("max", 5))
        words = f"{self.formats.number(Decimal(value))} / {most}"
        icon = str(field.config.get("icon", "star"))
        if icon == "number" or most > 11:
            return escape(words)
        sign = "♥" if icon == "heart" else "★"
        full = int(value)
        stars = Markup('<span class="stars" aria-hidden="true">{}<span class="off">{}</span></span>')
        shown = stars.format(sign * full, sign * max(0, most - full))
        return shown + Markup('<span class="visually-hidden">{}</span>').format(words)

    def boolean(self, field: FieldDefinition, value: Any) -> Markup:
        return escape(_("Yes") if value else _("No"))

    def choice(self, field: FieldDefinition, value: Any) -> Markup:
        option = next((item for item in field.options if item.name == value), None)
        return badge(self.option(field, option) if option else str(value), option.color if option else "")

    def option(self, field: FieldDefinition, option: OptionDefinition) -> str:
        """What an option is called, by the label set in force."""
        return option_label(self.app, field, option)

    def choices(self, field: FieldDefinition, value: Any) -> Markup:
        return Markup(" ").join(self.choice(field, item) for item in value)

    def ranking(self, field: FieldDefinition, value: Any) -> Markup:
        labels = {item.name: self.option(field, item) for item in field.options}
        items = (Markup("<li>{}</li>").format(labels.get(name, name)) for name in value)
        return Markup('<ol class="ranked">{}</ol>').format(Markup(" ").join(items))

    def matrix(self, field: FieldDefinition, value: Any) -> Markup:
        locale = self.formats.locale
        rows = {
            r["name"]: LocalizedText.of(r.get("label") or r["name"]).get(locale) for r in field.config["matrix_rows"]
        }
        answers = {
            c["name"]: LocalizedText.of(c.get("label") or c["name"]).get(locale) for c in field.config["matrix_columns"]
        }
        lines = []
        for name, given in value.items():
            chosen = given if isinstance(given, list) else [given]
            words = ", ".join(answers.get(item, item) for item in chosen)
            lines.append(Markup("<div><dt>{}</dt> <dd>{}</dd></div>").format(rows.get(name, name), words))
        return Markup('<dl class="matrix-shown">{}</dl>').format(Markup(" ").join(lines))

    def tags(self, field: FieldDefinition, value: Any) -> Markup:
        return Markup(" ").join(badge(str(item), "") for item in value)

    def reference(self, field: FieldDefinition, value: Any) -> Markup:
        form = self._qualified(str(field.config.get("form", "")))
        name = self.names.record(form, value) if isinstance(value, UUID) else None
        if name is None:
            return Markup('<span class="faint">{}</span>').format(_("not visible"))
        app, _dot, local = form.rpartition(".")
        return Markup('<a href="{}">{}</a>').format(url_for("records.page", app=app, form=local, id=value), name)

    def references(self, field: FieldDefinition, value: Any) -> Markup:
        links = [self.reference(field, UUID(str(item))) for item in value]
        return Markup('<span class="links">{}</span>').format(Markup("<br>").join(links))

    def row_reference(self, field: FieldDefinition, value: Any) -> Markup:
        name = self.names.row(str(field.config["row_target"]), str(field.config["rows"]), value)
        return escape(name) if name else Markup('<span class="faint">{}</span>').format(_("not visible"))

    def role(self, field: FieldDefinition, value: Any) -> Markup:
        return escape(self.names.role(str(value)) or str(value))

    def person(self, field: FieldDefinition, value: Any) -> Markup:
        name = self.names.person(value) if isinstance(value, UUID) else None
        return escape(name or _("unknown"))

    def department(self, field: FieldDefinition, value: Any) -> Markup:
        name = self.names.department(value) if isinstance(value, UUID) else None
        return escape(name or _("unknown"))

    def email(self, field: FieldDefinition, value: Any) -> Markup:
        return Markup('<a href="mailto:{0}">{0}</a>').format(value)

    def phone(self, field: FieldDefinition, value: Any) -> Markup:
        return Markup('<a href="tel:{0}">{0}</a>').format(value)

    def url(self, field: FieldDefinition, value: Any) -> Markup:
        if not str(value).startswith(("http://", "https://")):
            return escape(value)
        return Markup('<a href="{0}" rel="noopener noreferrer" target="_blank">{0}</a>').format(value)

    def duration(self, field: FieldDefinition, value: Any) -> Markup:
        return escape(self.formats.span(value)) if isinstance(value, timedelta) else escape(value)

    def date_range(self, field: FieldDefinition, value: Any) -> Markup:
        first, last = (self.formats.date(date.fromisoformat(value[key])) for key in ("start", "end"))
        return Markup('<span class="nowrap">{}</span> – <span class="nowrap">{}</span>').format(first, last)

    def address(self, field: FieldDefinition, value: Any) -> Markup:
        parts = [str(value[part]) for part in ADDRESS_PARTS if value.get(part) and part != "postcode"]
        # A municipality is its own province: it is said once.
        parts = [part for n, part in enumerate(parts) if n == 0 or part != parts[n - 1]]
        words = "".join(parts) if self.formats.locale == "zh" else ", ".join(reversed(parts))
        return escape(f"{words} {value.get('postcode') or ''}".strip())

    def point(self, field: FieldDefinition, value: Any) -> Markup:
        return self._on_map(point_text(value), value)

    def location(self, field: FieldDefinition, value: Any) -> Markup:
        point = point_text(value)
        return self._on_map(str(value.get("name") or point), value) if point else escape(value.get("name") or "")

    def _on_map(self, words: str, value: Mapping[str, Any]) -> Markup:
        latitude, longitude = value["latitude"], value["longitude"]
        href = f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}"
        if self.formats.locale == "zh":
            query = urlencode({"position": f"{longitude},{latitude}", "coordinate": "wgs84", "name": words})
            href = f"https://uri.amap.com/marker?{query}"
        return Markup('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>').format(href, words)

    def color(self, field: FieldDefinition, value: Any) -> Markup:
        swatch = Markup(
            '<svg class="swatch" viewBox="0 0 16 16" aria-hidden="true"><rect width="16" height="16" fill="{0}"/></svg>'
        )
        return swatch.format(value) + escape(value)

    def code(self, field: FieldDefinition, value: Any) -> Markup:
        return Markup('<span class="code">{}</span>').format(value)

    def rich(self, field: FieldDefinition, value: Any) -> Markup:
        # Made harmless when it came in; once more here, for what was stored under older rules.
        return Markup('<div class="rich">{}</div>').format(Markup(sanitised(str(value))))  # noqa: S704

    def json(self, field: FieldDefinition, value: Any) -> Markup:
        return Markup('<pre class="json">{}</pre>').format(write_json(to_json(value)))

    def files(self, field: FieldDefinition, value: Any) -> Markup:
        shown = [self._file(item) for item in value if isinstance(item, Mapping)]
        return Markup('<span class="files-shown">{}</span>').format(Markup(" ").join(shown))

    def signature(self, field: FieldDefinition, value: Any) -> Markup:
        item = value[0]
        image = Markup('<a href="{0}"><img class="signed-shown" src="{1}" alt="{2}" loading="lazy"></a>')
        whole = self.files_at(str(item["id"]), inline=1)
        return image.format(whole, self.files_at(str(item["id"]), small=1), field.label.get(self.formats.locale))

    def _file(self, item: Mapping[str, Any]) -> Markup:
        href, size = self.files_at(str(item["id"])), file_size(int(item.get("size") or 0))
        small = Markup("")
        if item.get("type") in RASTER:
            small = Markup('<img src="{}" alt="" loading="lazy">').format(self.files_at(str(item["id"]), small=1))
        return Markup(
            '<a class="file-shown" href="{}" title="{}" download>{}<span>{}</span> <small>{}</small></a>'
        ).format(href, item.get("name", ""), small, item.get("name", ""), size)

    def _count_of_files(self, value: Any) -> Markup:
        first = next((item for item in value if isinstance(item, Mapping) and item.get("type") in RASTER), None)
        if first is None:
            return escape(", ".join(str(item.get("name", "")) for item in value if isinstance(item, Mapping)))
        src = self.files_at(str(first["id"]), small=1)
        more = f"+{len(value) - 1}" if len(value) > 1 else ""
        return Markup('<img class="thumb" src="{}" alt="{}" loading="lazy"> {}').format(
            src, first.get("name", ""), more
        )

    def _qualified(self, form: str) -> str:
        return form if "." in form else f"{self.app}.{form}"

    def rows(self, field: FieldDefinition, value: Any) -> Markup:
        return escape(self.formats.number(len(value)))


def badge(label: str, color: str) -> Markup:
    """A coloured word."""
    return Markup('<span class="badge {}">{}</span>').format(f"c-{color}" if color in COLORS else "", label)


def shown_type(field: FieldDefinition) -> str:
    """The type by which a value reads: that of its result where the field is computed."""
    if field.type in {"formula", "lookup", "rollup"}:
        return str(field.config.get("result", ""))
    return field.type


def is_numeric(field: FieldDefinition) -> bool:
    """Whether its values line up on the right."""
    return shown_type(field) in {"number", "money", "percent", "rating", "subtable"}


def plain_text(value: Any) -> str:
    """A value as an input holds it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else ""
        case Decimal():
            return format(value.normalize() if value == value.to_integral_value() else value, "f")
        case datetime():
            return value.isoformat(timespec="minutes")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return format_duration(value)
        case list() | tuple():
            return ", ".join(plain_text(item) for item in value)
    return str(value)


def file_link(id: str, **query: Any) -> str:
    """Where the bytes of a file are read, with the rights of the record that holds it."""
    return url_for("files.download", id=id, **query)


def point_text(value: Mapping[str, Any]) -> str:
    """Latitude and longitude as people write them; empty where there are none."""
    if not value.get("latitude") or not value.get("longitude"):
        return ""
    return ", ".join(str(value[key]).rstrip("0").rstrip(".") or "0" for key in ("latitude", "longitude"))


def file_size(size: int) -> str:
    """A number of bytes as people read it."""
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if size >= factor:
            return f"{size / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size} B"


_SHOW: dict[str, Callable[[Display, FieldDefinition, Any], Markup]] = {
    "number": Display.number,
    "money": Display.money,
    "percent": Display.percent,
    "rating": Display.rating,
    "boolean": Display.boolean,
    "choice": Display.choice,
    "multi_choice": Display.choices,
    "tags": Display.tags,
    "reference": Display.reference,
    "person": Display.person,
    "department": Display.department,
    "email": Display.email,
    "phone": Display.phone,
    "url": Display.url,
    "attachment": Display.files,
    "image": Display.files,
    "signature": Display.signature,
    "subtable": Display.rows,
    "references": Display.references,
    "row_reference": Display.row_reference,
    "role": Display.role,
    "duration": Display.duration,
    "date_range": Display.date_range,
    "address": Display.address,
    "location": Display.location,
    "geolocation": Display.point,
    "color": Display.color,
    "barcode": Display.code,
    "resident_id": Display.code,
    "credit_code": Display.code,
    "rich_text": Display.rich,
    "json": Display.json,
    "ranking": Display.ranking,
    "matrix": Display.matrix,
}
