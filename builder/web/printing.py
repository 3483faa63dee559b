"""A record on paper: its layout as the data of a PDF, with what the person may see of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import url_for

from builder.documents.pdf import render_pdf
from builder.documents.pictures import as_png, qr_png
from builder.files import WorkFiles, file_info
from builder.web.catalogue import FormPlace, place_of
from builder.web.context import _, site
from builder.web.forms import Display, is_numeric, layout_for
from builder.web.names import WorkNames, title_of
from builder.web.record_parts import holds
from builder.web.rows import plain_columns, record_value
from builder.workspace import Work
from engines.core.ports import StoredFile
from engines.form import MASK, CompiledField, LayoutDefinition, LayoutItem, ListQuery, Record

WIDE = frozenset({"long_text", "rich_text", "json", "attachment", "address", "matrix"})
PICTURES = frozenset({"image"})
# Related records that a paper lists of each kind.
RELATED = 200


def record_pdf(work: Work, place: FormPlace, record: Record) -> bytes:
    """The record as PDF, by the form's layout for printing, else that of its page."""
    return Paper(work, place, record).pdf()


class Paper:
    """Gathers what a record's paper shows."""

    def __init__(self, work: Work, place: FormPlace, record: Record) -> None:
        self._work = work
        self._place = place
        self._record = record
        self._names = WorkNames(work)
        self._names.learn(place.form, [record])
        self._display = Display(site().formats, self._names, place.app.name)
        # By file name.
        self._pictures: dict[str, bytes] = {}
        self._signatures: list[dict[str, str]] = []

    def pdf(self) -> bytes:
        """The PDF."""
        blocks = [block for item in _layout(self._place).items for block in self._blocks(item)]
        if self._signatures:
            blocks.append({"type": "signatures", "items": self._signatures, "hint": _("Signature, date")})
        place, formats = self._place, site().formats
        address = url_for("records.page", app=place.app.name, form=place.local, id=self._record.id, _external=True)
        code = qr_png(address)
        if code:
            self._pictures["qr.png"] = code
        footer = _("%(app)s · printed %(at)s", app=place.app_label, at=formats.instant(formats.now))
        data = {
            "title": title_of(place.form, self._record, self._names),
            "kind": place.label,
            "subtitle": "",
            "lang": site().locale,
            "region": "cn" if site().locale == "zh" else "us",
            "footer": footer,
            "qr": "qr.png" if code else "",
            "blocks": blocks,
        }
        return render_pdf("record.typ", data, self._pictures)

    def _blocks(self, item: LayoutItem, columns: int = 2) -> Iterable[dict[str, Any]]:
        if item.visible and not holds(self._work, self._place.name, self._record.id, item.visible):
            return
        if item.field:
            yield from self._fields([item], "", columns)
            return
        label = site().text(item.label)
        if item.type == "related":
            yield from self._related(item, label)
            return
        own = [child for child in item.items if child.field]
        if own:
            yield from self._fields(own, label, int(item.config.get("columns", columns)))
        for child in item.items:
            if not child.field:
                yield from self._blocks(child, columns)

    def _fields(self, items: Sequence[LayoutItem], label: str, columns: int) -> Iterable[dict[str, Any]]:
        facts: list[dict[str, Any]] = []
        later: list[dict[str, Any]] = []
        columns = max(1, min(columns, 4))
        for item in items:
            field = self._place.form.fields.get(item.field)
            if field is None or item.field not in self._record.values:
                continue
            if item.visible and not holds(self._work, self._place.name, self._record.id, item.visible):
                continue
            block = self._special(field)
            if block is not None:
                later += [block] if block else []
                continue
            span = columns if field.definition.type in WIDE else int(item.config.get("span", 1))
            facts.append({"label": self._label(field), "text": self._text(field), "span": span})
        if facts:
            yield {"type": "facts", "label": label, "columns": columns, "items": facts}
        yield from later

    def _special(self, field: CompiledField) -> dict[str, Any] | None:
        """What is more than a line of text: rows, pictures, signatures; empty where it stands elsewhere."""
        value = self._record.values[field.name]
        masked = field.name in self._record.masked
        if field.rows is not None:
            return None if masked else self._rows(field, value or [])
        if field.definition.type == "signature":
            file = "" if masked else next(iter(self._files(value)), "")
            self._signatures.append({"label": self._label(field), "file": file})
            return {}
        if field.definition.type in PICTURES and not masked:
            files = self._files(value)
            return {"type": "pictures", "label": self._label(field), "files": files} if files else {}
        return None

    def _rows(self, field: CompiledField, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        seen = [name for name in field.rows or {} if not rows or any(name in row for row in rows)]
        columns = [(field.rows or {})[name] for name in seen]
        return {
            "type": "rows",
            "label": self._label(field),
            "head": [self._label(column) for column in columns],
            "numeric": [is_numeric(column.definition) for column in columns],
            "widths": [1 if is_numeric(column.definition) else 2 for column in columns],
            "rows": [[self._cell(column, row) for column in columns] for row in rows],
        }

    def _related(self, item: LayoutItem, label: str) -> Iterable[dict[str, Any]]:
        """Records that point to this one, as far as the person may see them."""
        relation = self._place.form.relations.get(str(item.config.get("relation", "")))
        target = place_of(relation.form) if relation else None
        if relation is None or target is None or not target.may("see"):
            return
        pointing = {"field": relation.field, "op": "=", "value": str(self._record.id)}
        page = self._work.records.page(target.name, ListQuery(filter=pointing, limit=RELATED))
        self._names.learn(target.form, page.records)
        wanted = item.config.get("columns") or [name for name in target.form.fields if name != relation.field][:4]
        columns = plain_columns(target.form, wanted)
        cells = [
            [record_value(target.form, record, column.name, self._display).striptags() for column in columns]
            for record in page.records
        ]
        yield {
            "type": "rows",
            "label": label or target.plural,
            "head": [column.label for column in columns],
            "numeric": [column.numeric for column in columns],
            "widths": [1 if column.numeric else 2 for column in columns],
            "rows": cells,
        }

    def _cell(self, column: CompiledField, row: Mapping[str, Any]) -> str:
        value = row.get(column.name)
        return MASK if value == MASK else self._display.text(column.definition, value)

    def _files(self, value: Any) -> list[str]:
        """Names of the pictures in a field's files, each kept for the PDF."""
        found = []
        for each in value or ():
            stored = each if isinstance(each, StoredFile) else None
            id = stored.id if stored else each.get("id") if isinstance(each, Mapping) else None
            content = self._content(id)
            if content:
                name = f"picture{len(self._pictures)}.png"
                self._pictures[name] = content
                found.append(name)
        return found

    def _content(self, id: Any) -> bytes:
        info = file_info(self._work.connection, UUID(str(id))) if id else None
        if info is None or not WorkFiles(self._work, self._work.principal).may_read(info):
            return b""
        with self._work.workspace.files.blobs.open(info.blob) as stream:
            return as_png(stream.read())

    def _label(self, field: CompiledField) -> str:
        return site().text(field.definition.label) or field.name

    def _text(self, field: CompiledField) -> str:
        if field.name in self._record.masked:
            return MASK
        return self._display.text(field.definition, self._record.values[field.name])


def _layout(place: FormPlace) -> LayoutDefinition:
    """The layout for printing where there is one, else that of the page, else all fields."""
    purposes = {layout.purpose for layout in place.form.layouts.values()}
    return layout_for(place.form, "print" if "print" in purposes else "page")
