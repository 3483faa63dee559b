"""The page of one record: the blocks of its layout, filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count
from typing import Any

from flask import url_for
from markupsafe import Markup, escape

from builder.documents.filling import may_make
from builder.rights.sharing import shares_of
from builder.web.access import field_access, may
from builder.web.catalogue import FormPlace, place_of
from builder.web.context import _, site
from builder.web.filters import Condition
from builder.web.forms import Display, help_text, is_numeric, layout_for
from builder.web.listing import ListState
from builder.web.names import WorkNames, title_of
from builder.web.record_locks import running_processes
from builder.web.record_parts import button_block, holds, process_block, tile_block
from builder.web.record_timeline import entries_of
from builder.web.rows import SYSTEM_COLUMNS, Column, column_label, plain_columns, record_value, table_rows
from builder.web.views.kinds import KINDS, drawn
from builder.web.views.sheet import Sheet
from builder.web.why import has_explanation
from builder.workspace import Work
from engines.form import MASK, CompiledField, LayoutItem, ListQuery, Record, SortDefinition, ViewDefinition

GROUPS = frozenset({"section", "tab", "step", "box"})
# Types of fields that want the whole width.
WIDE = frozenset({"long_text", "rich_text", "json", "attachment", "image"})
RELATED = 5


class RecordPage:
    """Builds the blocks for one record."""

    def __init__(self, work: Work, place: FormPlace, record: Record, before: datetime | None = None) -> None:
        """``before``: where the timeline begins, for the pages after its first."""
        self.work = work
        self.place = place
        self.record = record
        self.before = before
        self.names = WorkNames(work)
        self.names.learn(place.form, [record])
        self.display = Display(site().formats, self.names, place.app.name)
        self.access = work.records.access(place.name, record.id)
        self.layout = layout_for(place.form, "page")
        self._numbers = count(1)

    def blocks(self) -> list[dict[str, Any]]:
        """All blocks in the order of the layout."""
        return [block for item in self.layout.items for block in self._block(item)]

    def _block(self, item: LayoutItem) -> Iterator[dict[str, Any]]:
        if not holds(self.work, self.place.name, self.record.id, item.visible):
            return
        label, name = site().text(item.label), item.name or f"i{next(self._numbers)}"
        if item.type in {"tabs", "steps"}:
            panels = [self._panel(child) for child in item.items]
            panels = [panel for panel in panels if panel["blocks"]]
            if panels:
                yield {"type": "tabs", "id": name, "label": label, "panels": panels}
        elif item.type == "canvas":
            boxes = [self._box(child) for child in item.items]
            columns = int(item.config.get("columns", 3))
            yield {"type": "canvas", "id": name, "label": label, "columns": columns, "boxes": [b for b in boxes if b]}
        elif item.type in GROUPS:
            yield from self._section(item, label, name)
        elif item.field:
            yield from self._section(LayoutItem(type="section", items=(item,)), "", item.field)
        else:
            yield from self._element(item, label, name)

    def _element(self, item: LayoutItem, label: str, name: str) -> Iterator[dict[str, Any]]:
        block: dict[str, Any] | None = None
        match item.type:
            case "related":
                yield from self._related(item, label, name)
            case "timeline":
                relations = tuple(item.config.get("relations", ()))
                block = {"type": "timeline", "label": label or _("Timeline"), **self._timeline(relations)}
            case "tile":
                block = tile_block(self.work, self.place, self.record, item)
            case "button":
                block = button_block(self.work, self.place, self.record, item)
            case "process":
                block = process_block(self.work, self.place, self.record, item, self.names)
            case "help":
                block = {"type": "help", "label": help_text(item, site().locale)}
        if block is not None:
            yield {**block, "id": name}

    def _panel(self, item: LayoutItem) -> dict[str, Any]:
        """A tab: what stands below it, its loose fields as one section without a heading."""
        inner = LayoutItem(type="section", name=item.name, items=item.items, config=item.config)
        return {"id": item.name, "label": site().text(item.label), "blocks": list(self._section(inner, "", item.name))}

    def _box(self, item: LayoutItem) -> dict[str, Any] | None:
        """A box of a canvas: lists as lists, other values as they read."""
        names = [child.field for child in item.items if child.field and self._readable(child.field)]
        if not names:
            return None
        parts = [self._listed(name) for name in names if self.place.form.fields[name].rows is None]
        config = item.config
        return {
            "label": site().text(item.label) or column_label(self.place.form, names[0]),
            "span": int(config.get("span", 1)),
            "height": int(config.get("height", 1)),
            "parts": parts,
        }

    def _listed(self, name: str) -> dict[str, Any]:
        value = self.record.values.get(name)
        if self.place.form.fields[name].definition.type == "tags" and isinstance(value, list):
            return {"lines": value}
        return {"shown": record_value(self.place.form, self.record, name, self.display)}

    def _section(self, item: LayoutItem, label: str, name: str) -> Iterator[dict[str, Any]]:
        shown = [child for child in item.items if child.field in self.place.form.fields and self._readable(child.field)]
        facts = [self._fact(child) for child in shown if self.place.form.fields[child.field].rows is None]
        tables = [
            self._table(self.place.form.fields[c.field])
            for c in shown
            if self.place.form.fields[c.field].rows is not None
        ]
        if facts or tables:
            columns = int(item.config.get("columns", 2))
            help = [help_text(child, site().locale) for child in item.items if child.type == "help"]
            shown_parts = {"columns": columns, "facts": facts, "tables": tables, "help": help}
            yield {"type": "facts", "id": name, "label": label, **shown_parts}
        for child in item.items:
            if not child.field and child.type != "help":
                yield from self._block(child)

    def _readable(self, name: str) -> bool:
        return self.access.get(name) != "hidden" and (name in self.record.values or name in self.record.masked)

    def _fact(self, item: LayoutItem) -> dict[str, Any]:
        form, name = self.place.form, item.field
        field = form.fields[name]
        filled = self.record.values.get(name) not in (None, "", [])
        usual = 4 if field.definition.type in WIDE and filled else 1
        why = ""
        if name not in self.record.masked and has_explanation(field):
            why = url_for("records.why", app=self.place.app.name, form=self.place.local, id=self.record.id, field=name)
        return {
            "name": name,
            "label": site().text(field.definition.label) or name,
            "shown": record_value(form, self.record, name, self.display),
            "span": int(item.config.get("span", usual)),
            "why": why,
        }

    def _table(self, table: CompiledField) -> dict[str, Any]:
        columns = [c for c in (table.rows or {}).values() if self.access.get(f"{table.name}.{c.name}") != "hidden"]
        heads = [
            Column(
                name=c.name,
                label=site().text(c.definition.label),
                numeric=is_numeric(c.definition),
            )
            for c in columns
        ]
        rows = [
            {
                "href": "",
                "cells": [
                    {
                        "label": h.label,
                        "numeric": h.numeric,
                        "main": False,
                        "shown": _cell_shown(self.display, c, row.get(c.name)),
                    }
                    for c, h in zip(columns, heads, strict=True)
                ],
            }
            for row in self.record.values.get(table.name) or []
        ]
        return {"caption": site().text(table.definition.label), "columns": heads, "rows": rows}

    def _related(self, item: LayoutItem, label: str, name: str) -> Iterator[dict[str, Any]]:
        relation = self.place.form.relations.get(str(item.config.get("relation", "")))
        target = place_of(relation.form) if relation else None
        if relation is None or target is None or not target.may("see"):
            return
        view = target.form.views.get(str(item.config.get("view", "")))
        if view is not None and view.kind in KINDS:
            yield self._drawn(target, view, relation.field, label, name)
            return
        pointing = {"field": relation.field, "op": "=", "value": str(self.record.id)}
        limit = int(item.config.get("limit", RELATED))
        query = ListQuery(filter=pointing, sort=_order(item, target), limit=limit, count=True)
        page = self.work.records.page(target.name, query)
        self.names.learn(target.form, page.records)
        wanted = item.config.get("columns") or [n for n in target.form.fields if n != relation.field][:4]
        columns = plain_columns(target.form, wanted)
        address = {"app": target.app.name, "form": target.local}
        yield {
            "type": "related",
            "id": name,
            "label": label or target.plural,
            "count": f"{page.count.value}{'+' if page.count.capped else ''}" if page.count else "",
            "columns": columns,
            "rows": table_rows(target, page.records, columns, self.display),
            "new_href": url_for("records.new", **address, **{relation.field: self.record.id})
            if target.may("create")
            else "",
            "link": self._link(target, relation.field),
            "all_href": url_for("records.list", **address, f=f"{relation.field}:is:{self.record.id}"),
        }

    def _drawn(self, target: FormPlace, view: ViewDefinition, field: str, label: str, name: str) -> dict[str, Any]:
        """The related records in one of their form's views."""
        access = field_access(target.form, site().principal)
        mine = Condition(field=field, operator="is", value=str(self.record.id))
        address = {"app": target.app.name, "form": target.local}
        state = ListState(
            view=view,
            search="",
            conditions=(mine,),
            sort=None,
            columns=tuple(n for n in view.columns if n in SYSTEM_COLUMNS or access.get(n, "hidden") != "hidden"),
            after="",
            path=url_for("records.list", **address),
        )
        new = url_for("records.new", **address, **{field: self.record.id}) if target.may("create") else ""
        return {
            "type": "view",
            "id": name,
            "label": label or site().text(view.label) or target.plural,
            "shown": drawn(Sheet(self.work, target, state, access)),
            "new_href": new,
            "all_href": state.href(),
        }

    def _link(self, target: FormPlace, field: str) -> dict[str, Any] | None:
        """Where a public link of a related form is made that carries this record."""
        public = target.form.definition.public
        if field not in (public.get("prefill") or ()) or not target.may("share"):
            return None
        href = url_for("public.make", app=target.app.name, form=target.local)
        return {"href": href, "field": field, "value": self.record.id}

    def _timeline(self, relations: tuple[str, ...]) -> dict[str, Any]:
        here = {"app": self.place.app.name, "form": self.place.local, "id": self.record.id}
        may_comment = self.work.records.may(self.place.name, "comment", self.record.id)
        entries, earlier = entries_of(self.work, self.place, self.record, relations, self.names, self.before)
        return {
            "entries": entries,
            "comment_href": url_for("records.comment", **here) if may_comment else "",
            "earlier_href": url_for("records.page", **here, before=earlier.isoformat()) if earlier else "",
        }


def _cell_shown(display: Display, column: CompiledField, value: Any) -> Markup:
    return escape(MASK) if value == MASK else display.value(column.definition, value)


def _order(item: LayoutItem, target: FormPlace) -> tuple[SortDefinition, ...]:
    """How related records are sorted: as the layout says, else newest first by their own date."""
    stated = [
        SortDefinition(field=s["field"], direction=s.get("direction", "asc")) for s in item.config.get("sort", ())
    ]
    dated = target.form.definition.dated_by
    return tuple(stated) or ((SortDefinition(field=dated, direction="desc"),) if dated else ())


def context(work: Work, place: FormPlace, record: Record, before: datetime | None = None) -> dict[str, Any]:
    """What the record's template needs; ``before``: where its timeline begins."""
    page = RecordPage(work, place, record, before)
    blocks = page.blocks()
    running = running_processes(work, place, record, page.names)
    locked = any(process.locks for process in running)
    shown_below = any(block["type"] == "process" for block in blocks)
    may_edit = may(place.form, site().principal, "edit") and work.records.may(place.name, "edit", record.id)
    may_delete = may(place.form, site().principal, "delete") and work.records.may(place.name, "delete", record.id)
    return {
        "app": place.app.name,
        "form": place.local,
        "app_label": place.app_label,
        "plural": place.plural,
        "single": place.label,
        "id": record.id,
        "version": record.version,
        "title": title_of(place.form, record, page.names),
        "badges": _badges(page),
        "actions": [block for block in blocks if block["type"] == "button"],
        "main": [block for block in blocks if not _beside(block) and block["type"] != "button"],
        "side": [block for block in blocks if _beside(block)],
        "has_views": any(block["type"] == "view" for block in _every(blocks)),
        "has_tiles": any(block["type"] == "tile" for block in _every(blocks)),
        # A lock is said in any case: it explains why nothing can be edited here.
        "running": [process for process in running if process.locks or not shown_below],
        "may_edit": may_edit and not locked,
        "may_delete": may_delete and not locked,
        "documents": _documents(place),
        "personal": has_personal(place) and work.records.may(place.name, "export", record.id),
        "may_print": work.records.may(place.name, "print", record.id),
        "may_create": place.may("create"),
        **_sharing(work, place, record, page.names),
    }


def _sharing(work: Work, place: FormPlace, record: Record, names: WorkNames) -> dict[str, Any]:
    """For those who may share the record how many shares there are; for those it was shared with, by whom."""
    may_share = may(place.form, site().principal, "share") and work.records.may(place.name, "share", record.id)
    keys = site().principal.share_keys
    shares = shares_of(work, place.name, record.id) if may_share or keys else ()
    mine = next((item for item in shares if f"{item.kind}:{item.key}" in keys), None)
    return {
        "may_share": may_share,
        "shares": len(shares),
        "shared_by": ((names.person(mine.by) if mine.by else None) or _("The system")) if mine else "",
        "shared_until": mine.until if mine else None,
        "shared_note": mine.note if mine else "",
    }


def _beside(block: dict[str, Any]) -> bool:
    """Whether it stands beside the fields: what goes on, and single figures."""
    return block["type"] in {"timeline", "process"} or bool(block.get("side"))


def _every(blocks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        yield block
        for panel in block.get("panels", ()):
            yield from _every(panel["blocks"])


def _badges(page: RecordPage) -> list[Any]:
    """The coloured choices of the record, for its head: the first three that its page shows."""
    found = []
    for name in dict.fromkeys([*page.layout.field_names(), *page.place.form.fields]):
        field, value = page.place.form.fields[name], page.record.values.get(name)
        coloured = any(o.name == value and o.color for o in field.definition.options)
        if field.definition.type == "choice" and coloured and name not in page.record.masked:
            found.append(page.display.value(field.definition, value))
    return found[:3]


def _documents(place: FormPlace) -> list[tuple[str, str, str]]:
    """Name, label and icon of the Office documents that the person may have of a record."""
    return [
        (name, site().text(found.definition.label), "table" if found.ending == ".xlsx" else "form")
        for name, found in place.app.documents.items()
        if found.form == place.name and may_make(found, site().principal)
    ]


def has_personal(place: FormPlace) -> bool:
    """Whether a form marks any of its fields as personal."""
    fields = place.form.fields.values()
    return any(f.definition.personal or any(c.definition.personal for c in (f.rows or {}).values()) for f in fields)
