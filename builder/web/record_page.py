"""The page of one record: the blocks of its layout, filled in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import url_for

from builder.web.access import field_access, may
from builder.web.catalogue import FormPlace, place_of
from builder.web.context import _, site
from builder.web.forms import Display, layout_for
from builder.web.names import WorkNames, title_of
from builder.web.record_timeline import entries_of, running_processes
from builder.web.rows import Column, column_label, plain_columns, record_value, table_rows
from builder.web.why import has_explanation
from builder.workspace import Work
from engines.form import CompiledField, LayoutItem, ListQuery, Record

GROUPS = frozenset({"section", "tabs", "tab", "steps", "step"})
SIDE = frozenset({"timeline", "tile"})
RELATED = 5


class RecordPage:
    """Builds the blocks for one record."""

    def __init__(self, work: Work, place: FormPlace, record: Record) -> None:
        self.work = work
        self.place = place
        self.record = record
        self.names = WorkNames(work)
        self.names.learn(place.form, [record])
        self.display = Display(site().formats, self.names, place.app.name)
        self.access = field_access(place.form, site().principal)
        self.layout = layout_for(place.form, "page")

    def blocks(self) -> list[dict[str, Any]]:
        """All blocks in the order of the layout."""
        return [block for item in self.layout.items for block in self._block(item)]

    def _block(self, item: LayoutItem) -> Iterator[dict[str, Any]]:
        label, name = site().text(item.label), item.name or str(id(item))
        if item.type in {"tabs", "steps"}:
            for child in item.items:
                yield from self._block(child)
        elif item.type in GROUPS:
            yield from self._section(item, label, name)
        elif item.field:
            yield from self._section(LayoutItem(type="section", items=(item,)), "", item.field)
        elif item.type == "related":
            yield from self._related(item, label, name)
        elif item.type == "timeline":
            relations = tuple(item.config.get("relations", ()))
            entries = entries_of(self.work, self.place, self.record, relations, self.names)
            href = url_for("records.comment", app=self.place.app.name, form=self.place.local, id=self.record.id)
            shown = {"label": label or _("Timeline"), "entries": entries, "comment_href": href}
            yield {"type": "timeline", "id": name, **shown}
        elif item.type == "tile":
            yield self._tile(item, label, name)
        elif item.type == "help":
            yield {"type": "help", "id": name, "label": label}

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
            yield {"type": "facts", "id": name, "label": label, "columns": columns, "facts": facts, "tables": tables}
        for child in item.items:
            if not child.field:
                yield from self._block(child)

    def _readable(self, name: str) -> bool:
        return self.access.get(name) != "hidden" and (name in self.record.values or name in self.record.masked)

    def _fact(self, item: LayoutItem) -> dict[str, Any]:
        form, name = self.place.form, item.field
        field = form.fields[name]
        usual = 4 if field.definition.type == "long_text" else 1
        why = ""
        if name not in self.record.masked and has_explanation(field):
            why = url_for("records.why", app=self.place.app.name, form=self.place.local, id=self.record.id, field=name)
        return {
            "label": column_label(form, name),
            "shown": record_value(form, self.record, name, self.display),
            "span": int(item.config.get("span", usual)),
            "why": why,
        }

    def _table(self, table: CompiledField) -> dict[str, Any]:
        columns = list((table.rows or {}).values())
        heads = [
            Column(
                name=c.name,
                label=site().text(c.definition.label),
                numeric=c.definition.type in {"number", "money", "percent"},
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
                        "shown": self.display.value(c.definition, row.get(c.name)),
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
        pointing = {"field": relation.field, "op": "=", "value": str(self.record.id)}
        query = ListQuery(filter=pointing, limit=int(item.config.get("limit", RELATED)), count=True)
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

    def _link(self, target: FormPlace, field: str) -> dict[str, Any] | None:
        """Where a public link of a related form is made that carries this record."""
        public = target.form.definition.public
        if field not in (public.get("prefill") or ()) or not target.may("share"):
            return None
        href = url_for("public.make", app=target.app.name, form=target.local)
        return {"href": href, "field": field, "value": self.record.id}

    def _tile(self, item: LayoutItem, label: str, name: str) -> dict[str, Any]:
        dashboard = str(item.config["dashboard"])
        href = url_for("dashboards.page", app=self.place.app.name, dashboard=dashboard)
        return {"type": "tile", "id": name, "label": label or str(item.config["tile"]), "href": href}


def context(work: Work, place: FormPlace, record: Record) -> dict[str, Any]:
    """What the record's template needs."""
    page = RecordPage(work, place, record)
    blocks = page.blocks()
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
        "main": [block for block in blocks if block["type"] not in SIDE],
        "side": [block for block in blocks if block["type"] in SIDE],
        "running": running_processes(work, place, record),
        "may_edit": may_edit,
        "may_delete": may_delete,
    }


def _badges(page: RecordPage) -> list[Any]:
    """The coloured choices of the record, for its head; at most three."""
    found = []
    for name, field in page.place.form.fields.items():
        value = page.record.values.get(name)
        coloured = any(o.name == value and o.color for o in field.definition.options)
        if field.definition.type == "choice" and coloured and name not in page.record.masked:
            found.append(page.display.value(field.definition, value))
    return found[:3]
