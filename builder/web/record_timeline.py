"""What happened around a record, in words: changes, comments, records that point to it, tasks, processes, rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for

from builder.runtime.history.timeline import TimelineItem, TimelinePage
from builder.web.catalogue import FormPlace, place_of
from builder.web.context import _, site
from builder.web.forms import Display
from builder.web.names import WorkNames, title_of
from builder.web.tasks import outcome_label, outcome_meaning, process_definition
from builder.web.why import rule_label
from builder.workspace import Work
from engines.form import FieldDefinition, Record

MOST = 30
# Fields named in one line.
FIELDS = 3
# Longest value quoted in a line.
WIDEST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a timeline."""

    at: datetime
    title: str
    detail: str = ""
    href: str = ""
    tone: str = ""
    quote: str = ""


def entries_of(
    work: Work,
    place: FormPlace,
    record: Record,
    relations: Sequence[str],
    names: WorkNames,
    before: datetime | None = None,
) -> tuple[list[Entry], datetime | None]:
    """Lines newest first, and the instant before which the earlier ones stand; None where there are none."""
    page: TimelinePage = work.service("timeline").page(
        place.name, record.id, relations=relations, before=before, limit=MOST
    )
    names.learn_people([item.actor for item in page.items if item.actor])
    words = _Words(place, record, names)
    found = [words.entry(item) for item in page.items]
    return [entry for entry in found if entry is not None], page.earlier


class _Words:
    """Puts what happened to the records of one form into sentences."""

    def __init__(self, place: FormPlace, record: Record, names: WorkNames) -> None:
        self._place = place
        self._title = title_of(place.form, record, names)
        self._names = names

    def entry(self, item: TimelineItem) -> Entry | None:
        """The line for an item; None where it says nothing to people."""
        made: Callable[[TimelineItem], Entry | None] = getattr(self, f"_{item.kind}")
        return made(item)

    def _who(self, item: TimelineItem) -> str:
        return (self._names.person(item.actor) if item.actor else None) or _("The system")

    def _change(self, item: TimelineItem) -> Entry | None:
        who, kind = self._who(item), item.data["kind"]
        if kind == "created":
            return Entry(at=item.at, title=_("%(who)s created the record", who=who), tone="ok")
        if kind in ("deleted", "restored"):
            said = _("%(who)s deleted the record") if kind == "deleted" else _("%(who)s restored the record")
            return Entry(at=item.at, title=said % {"who": who}, tone="bad" if kind == "deleted" else "ok")
        changes = [change for change in item.data["fields"] if change["field"] in self._place.form.fields]
        title = _("Computed anew") if kind == "computed" else _("%(who)s changed it", who=who)
        return Entry(at=item.at, title=title, detail=self._differences(changes)) if changes else None

    def _differences(self, changes: Sequence[Mapping[str, Any]]) -> str:
        display = Display(site().formats, self._names, self._place.app.name)
        parts = []
        for change in changes[:FIELDS]:
            field = self._place.form.fields[change["field"]].definition
            before, after = (_short(display.text(field, change[key])) or "—" for key in ("before", "after"))
            parts.append(_("%(field)s: %(before)s → %(after)s", field=self._label(field), before=before, after=after))
        if len(changes) > FIELDS:
            parts.append(_("%(count)s more", count=len(changes) - FIELDS))
        return " · ".join(parts)

    def _label(self, field: FieldDefinition) -> str:
        return site().text(field.short_label) or site().text(field.label) or field.name

    def _related(self, item: TimelineItem) -> Entry | None:
        target = place_of(item.data["form"])
        if target is None:
            return None
        record: Record = item.data["record"]
        href = url_for("records.page", app=target.app.name, form=target.local, id=record.id)
        name = title_of(target.form, record, self._names) if target.form.title else ""
        # The page says already whose timeline it is.
        name = name.removeprefix(self._title).lstrip(" ·:：") if name.startswith(self._title) else name
        title = f"{target.label} · {name}" if name else target.label
        return Entry(at=item.at, title=title, detail=self._gist(target, record), href=href, tone="now")

    def _gist(self, target: FormPlace, record: Record) -> str:
        """The first choices and the first amount of a related record, in words."""
        display = Display(site().formats, self._names, target.app.name)
        words, amounts = [], []
        for name, field in target.form.fields.items():
            value, kind = record.values.get(name), field.definition.type
            if name == target.form.title or name in record.masked or value is None:
                continue
            if kind == "choice":
                words.append(display.text(field.definition, value))
            elif kind == "money" and not amounts:
                amounts.append(display.text(field.definition, value))
        return " · ".join([*amounts, *words[:FIELDS]])

    def _task(self, item: TimelineItem) -> Entry | None:
        title, data, who = site().text(item.title), item.data, self._who(item)
        verbs = {
            "created": (_("“%(task)s” is waiting", task=title), "warn"),
            "claimed": (_("%(who)s took “%(task)s”", who=who, task=title), ""),
            "claim": (_("%(who)s took “%(task)s”", who=who, task=title), ""),
            "transfer": (_("%(who)s handed “%(task)s” over", who=who, task=title), ""),
            "delegate": (_("%(who)s delegated “%(task)s”", who=who, task=title), ""),
            "completed": (_("%(who)s completed “%(task)s”", who=who, task=title), "ok"),
            "escalated": (_("“%(task)s” was escalated", task=title), "bad"),
        }
        if data["verb"] not in verbs:
            return None
        sentence, tone = verbs[data["verb"]]
        tone = "bad" if data["verb"] == "completed" and self._is_rejection(data) else tone
        href = url_for("inbox.task", id=data["task"])
        comment = str(data.get("comment") or "")
        return Entry(at=item.at, title=sentence, detail=self._outcome(data), href=href, tone=tone, quote=comment)

    def _is_rejection(self, data: Mapping[str, Any]) -> bool:
        app, node, outcome = self._place.app, str(data["node"]), str(data.get("outcome") or "")
        names = app.definitions.names("process")
        return any(outcome_meaning(app.name, name, node, outcome) == "reject" for name in names)

    def _outcome(self, data: Mapping[str, Any]) -> str:
        wanted, app = str(data.get("outcome") or ""), self._place.app
        for name in app.definitions.names("process") if wanted else ():
            label = outcome_label(app.name, name, str(data["node"]), wanted)
            if label != wanted:
                return label
        return wanted

    def _process(self, item: TimelineItem) -> Entry | None:
        label = process_label(str(item.data["process"]))
        if item.data["status"] == "started":
            return Entry(at=item.at, title=_("Process “%(process)s” started", process=label), tone="now")
        return Entry(at=item.at, title=_("Process “%(process)s” ended", process=label), tone="ok")

    def _rule(self, item: TimelineItem) -> Entry | None:
        done = [words for action in item.data["actions"] if (words := self._deed(action))]
        if not done:
            return None
        label = rule_label(self._place, str(item.data["rule"]).partition(".")[2])
        detail = " · ".join(dict.fromkeys(done))
        return Entry(at=item.at, title=_("Rule “%(rule)s” fired", rule=label), detail=detail)

    def _deed(self, action: Mapping[str, Any]) -> str:
        """What an action of a rule did; empty where it only looked or reckoned."""
        match action:
            case {"action": "SetFields", "fields": names}:
                form = self._place.form.fields
                labels = [self._label(form[name].definition) for name in names if name in form]
                return _("set %(fields)s", fields=site().formats.plain(labels)) if labels else ""
            case {"action": "CreateRecord", "form": form}:
                made = place_of(form if "." in form else f"{self._place.app.name}.{form}")
                return _("created: %(form)s", form=made.label) if made else ""
            case {"action": "StartProcess", "process": process}:
                name = process if "." in process else f"{self._place.app.name}.{process}"
                return _("started “%(process)s”", process=process_label(name))
            case {"action": "CreateTask"}:
                return _("gave a task")
            case {"action": "Notify"}:
                return _("told people")
        return ""

    def _note(self, item: TimelineItem) -> Entry | None:
        quote = str(item.data.get("text") or "")
        return Entry(at=item.at, title=site().text(item.title), detail=self._who(item), tone="warn", quote=quote)

    def _comment(self, item: TimelineItem) -> Entry | None:
        return Entry(at=item.at, title=self._who(item), quote=str(item.data["text"]))

    def _message(self, item: TimelineItem) -> Entry | None:
        kinds = {"mail": _("A mail was written"), "webhook": _("A webhook was called")}
        title = kinds.get(item.data["channel"])
        return Entry(at=item.at, title=title) if title else None


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[:WIDEST]}…"


def process_label(qualified: str) -> str:
    """What a process is called; its name where it is not in force any more."""
    app, _dot, name = qualified.partition(".")
    definition = process_definition(app, name)
    return (site().text(definition.label) if definition else "") or name
