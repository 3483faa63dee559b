"""Filling a document in with a record, as somebody may see it: values as text, numbers, days and pictures."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from builder.documents.definition import Document
from builder.documents.pictures import as_png, qr_png, size_mm
from builder.documents.places import Place, Repeat, run_child
from builder.files import WorkFiles, file_info
from builder.files.receiving import clean_name
from builder.runtime import loading
from builder.runtime.texts import shown
from builder.workspace import Work
from engines import feel
from engines.core import AccessDenied, LocalizedText, Principal, new_id
from engines.form import CompiledField, CompiledForm, Records

_WORDS = {"zh": ("否", "是"), "en": ("No", "Yes")}
TYPES = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A document that was made."""

    name: str
    type: str
    content: bytes


def may_make(document: Document, principal: Principal) -> bool:
    """Whether a document's own roles open it; the right to print the record is asked for apart."""
    app = document.form.partition(".")[0]
    roles = {role if "." in role else f"{app}.{role}" for role in document.definition.roles}
    return not roles or bool(roles & principal.roles)


def make(work: Work, document: Document, record: UUID, records: Records | None = None) -> Made:
    """The document of a record; ``AccessDenied`` for who may not see or print it.

    ``records``: those of somebody else, such as an app whose process makes it.
    """
    seen = records or work.records.of(document.form)
    if not seen.may(document.form, "print", record) or not may_make(document, seen.world.principal):
        raise AccessDenied("print", document.form)
    filler = _Filler(work, document, seen)
    with tempfile.TemporaryDirectory(prefix="dougong-document-") as name:
        folder = Path(name)
        (folder / "template").write_bytes(document.content)
        values = filler.values(record, folder)
        (folder / "values.json").write_text(json.dumps(values, ensure_ascii=False), "utf-8")
        run_child("fill", str(folder / "template"), str(folder))
        content = (folder / "out").read_bytes()
    return Made(name=clean_name(filler.file_name() + document.ending), type=TYPES[document.ending], content=content)


class _Filler:
    """The values of one document for one record."""

    def __init__(self, work: Work, document: Document, records: Records) -> None:
        self._work = work
        self._document = document
        self._records = records
        self._form = records.world.form(document.form).compiled
        self._locale = records.world.principal.locale
        self._names: Mapping[str, Any] = {}
        self._title = ""

    def values(self, record: UUID, folder: Path) -> list[Any]:
        """What stands in the places, in their order; pictures are written into ``folder``."""
        loaded = loading.load(self._records, self._document.form, record, self._paths())
        if loaded is None:
            raise AccessDenied("see", self._document.form)
        self._names = {**self._records.world.around, **loaded}
        self._title = shown(loaded.get(self._form.title), self._work.zone) or str(record)[:8]
        return self._filled(self._document.places, self._names, (), folder)

    def file_name(self) -> str:
        """What the file is called."""
        if self._document.file_name is not None:
            return self._document.file_name.render(self._names, self._work.context)
        return f"{self._document.definition.label.get(self._locale)} {self._title}"

    def _paths(self) -> set[tuple[str, ...]]:
        """What is read of the record: a reference that is shown as such by its title."""
        return {self._titled(path) for path in self._document.reads} | (
            {(self._form.title,)} if self._form.title else set()
        )

    def _titled(self, path: tuple[str, ...]) -> tuple[str, ...]:
        field, target = self._field(path)
        if field is not None and target is not None and target.title:
            return (*path, target.title)
        return path

    def _filled(
        self, places: Sequence[Place | Repeat], names: Mapping[str, Any], above: tuple[str, ...], folder: Path
    ) -> list[Any]:
        found = []
        for place in places:
            value = feel.to_python(place.expression.evaluate(names, self._work.context).value)
            if isinstance(place, Repeat):
                items = [item for item in value or () if isinstance(item, Mapping)]
                path = (*above, *place.name.split("."))
                found.append(
                    [
                        self._filled(place.places, {**names, **item, "row": Decimal(number)}, path, folder)
                        for number, item in enumerate(items, 1)
                    ]
                )
            elif place.picture:
                found.append(self._picture(place, value, folder))
            else:
                found.append(self._shown(place, value, above))
        return found

    def _shown(self, place: Place, value: Any, above: tuple[str, ...]) -> Any:
        """A value as people read it, and as a number or a day for a cell of a table."""
        field, target = self._field((*above, *place.path)) if place.path else (None, None)
        if target is not None and isinstance(value, Mapping):
            return shown(value.get(target.title), self._work.zone)
        if field is not None and field.definition.options and value is not None:
            return self._options(field, value)
        text = self._text(field, value)
        match value:
            case bool():
                return text
            case Decimal():
                return {"n": str(value), "t": text}
            case datetime():
                return text
            case date():
                return {"d": value.isoformat(), "t": text}
        return text

    def _text(self, field: CompiledField | None, value: Any) -> str:
        kind = field.definition.type if field is not None else ""
        match value:
            case bool():
                return (
                    {"zh": "是", "en": "Yes"}.get(self._locale, "✓")
                    if value
                    else {"zh": "否", "en": "No"}.get(self._locale, "✗")
                )
            case Decimal() if kind in {"money", "number"}:
                config = field.definition.config if field is not None else {}
                scale = config.get("decimals", config.get("scale"))
                return f"{value:,.{int(scale)}f}" if scale is not None else f"{value.normalize():,f}"
            case Decimal() if kind != "percent":
                return f"{value.normalize():,f}"
            case Decimal():
                return f"{(value * 100).normalize():f}%"
            case date() if not isinstance(value, datetime) and self._locale == "zh":
                return f"{value.year}年{value.month}月{value.day}日"
        return shown(value, self._work.zone)

    def _options(self, field: CompiledField, value: Any) -> str:
        labels = {o.name: LocalizedText.of(o.label).get(self._locale) or o.name for o in field.definition.options}
        chosen = value if isinstance(value, list) else [value]
        return ("、" if self._locale == "zh" else ", ").join(labels.get(str(item), str(item)) for item in chosen)

    def _field(self, path: tuple[str, ...]) -> tuple[CompiledField | None, CompiledForm | None]:
        """The field at a path of the record, and the form that it points to, if any."""
        form: CompiledForm | None = self._form
        fields: Mapping[str, CompiledField] = self._form.fields
        field: CompiledField | None = None
        for name in path:
            relation = form.relations.get(name) if form is not None else None
            if relation is not None:
                form, field = self._compiled(relation.form), None
            else:
                field = fields.get(name)
                if field is None:
                    return None, None
                form = self._compiled(field.target) if field.target else None
            fields = (
                (field.rows or {}) if field is not None and field.rows is not None else (form.fields if form else {})
            )
        return field, form if field is not None and field.target else None

    def _compiled(self, name: str) -> CompiledForm | None:
        found = self._records.world.forms.get(name)
        return found.compiled if found is not None else None

    # -- pictures

    def _picture(self, place: Place, value: Any, folder: Path) -> Any:
        content = qr_png(str(shown(value))) if place.picture == "qr" else next(self._pictures(value), b"")
        if not content:
            return {"p": ""}
        name = f"{new_id().hex}.png"
        (folder / name).write_bytes(content)
        width, height = size_mm(content, place.width)
        return {"p": name, "w": width, "h": height}

    def _pictures(self, value: Any) -> Iterator[bytes]:
        """The pictures among a field's files, as far as who acts may have them."""
        for file in value if isinstance(value, list) else ():
            id = file.get("id") if isinstance(file, Mapping) else getattr(file, "id", None)
            info = file_info(self._work.connection, UUID(str(id))) if id else None
            if info is None or not WorkFiles(self._work, self._records.world.principal).may_read(info):
                continue
            with self._work.workspace.files.blobs.open(info.blob) as stream:
                if content := as_png(stream.read()):
                    yield content
