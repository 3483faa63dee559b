"""Services that processes call: records, decisions, notices, mail, HTTP; further ones are registered beside them.

A service inside the database runs in the command's transaction, in a savepoint of its own. One that leaves it
(``outside``) runs as a job after commit, with a key that stays the same over all attempts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from builder.jobs.channels.webhook import WebhookSettings, call, check_status
from builder.jobs.delivery import Undeliverable
from builder.runtime.calendar_entries import put_entry
from builder.runtime.messenger import MAIL
from builder.runtime.recipients import Receivers, identity
from engines.core import InputError, InputProblem, LocalizedText, Registry
from engines.core.source import pointer_of
from engines.form import ListQuery, SortDefinition

if TYPE_CHECKING:
    from builder.runtime.around import Around
    from builder.workspace.workspace import Workspace


# Records that a query gives unless told, and at most.
QUERIED, MOST_QUERIED = 100, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCall:
    """One call of a service by a process."""

    app: str
    instance_id: UUID
    process: str
    node: str
    subject: tuple[str, UUID] | None
    # Evaluated, as the definition names it.
    input: Mapping[str, Any]
    # Stable over all attempts of this activity.
    key: str
    attempt: int = 1

    def need(self, name: str) -> Any:
        """An input that must be there; ``InputError`` otherwise."""
        value = self.input.get(name)
        if value is None:
            raise InputError([InputProblem(pointer=pointer_of("input", name), code="process.service_input_missing")])
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A registered service: exactly one of ``inside`` and ``outside``."""

    # (surroundings of the command, call) -> result
    inside: Callable[[Around, ServiceCall], Any] | None = None
    # (workspace, call) -> result; outside of any transaction. ``ExternalError`` is tried again.
    outside: Callable[[Workspace, ServiceCall], Any] | None = None


def create_record(around: Around, given: ServiceCall) -> Any:
    """The new record's values with its ``id``. Input: ``form``, ``values``."""
    form = around.form_name(given.app, given.need("form"))
    return around.write(given.app).create(form, given.input.get("values") or {}, source=_source(given))


def update_record(around: Around, given: ServiceCall) -> Any:
    """The record's values. Input: ``values``; ``form`` and ``id`` where it is not the subject."""
    form, record_id = _target(around, given)
    return around.write(given.app).update(form, record_id, given.need("values"), source=_source(given))


def delete_record(around: Around, given: ServiceCall) -> None:
    """Moves a record to the recycle bin. Input: ``form`` and ``id`` where it is not the subject."""
    form, record_id = _target(around, given)
    around.write(given.app).delete(form, record_id)


def query_records(around: Around, given: ServiceCall) -> Any:
    """Records as the app may see them, as contexts with their ``id``, in the order asked for.

    Input: ``form``; ``where`` (values by field, all of which must be equal) and ``filter`` (FEEL text over the record);
    ``sort`` (a field, "-" in front: largest first); ``limit`` (100 unless given, at most 1,000).
    """
    form = around.form_name(given.app, given.need("form"))
    equal = [{"field": name, "op": "=", "value": value} for name, value in (given.input.get("where") or {}).items()]
    text = str(given.input.get("filter") or "")
    sort = tuple(
        SortDefinition(field=str(name).removeprefix("-"), direction="desc" if str(name).startswith("-") else "asc")
        for name in _list(given.input.get("sort"))
    )
    limit = int(given.input.get("limit") or QUERIED)
    if not 0 < limit <= MOST_QUERIED:
        problem = InputProblem(pointer="/input/limit", code="process.query_limit", params={"max": MOST_QUERIED})
        raise InputError([problem])
    records, found = around.records(given.app), list[Any]()
    allowed = None
    if text and equal:
        # Both hold: those that are equal are looked for among those that the text allows.
        page = records.page(form, ListQuery(filter=text, limit=MOST_QUERIED, columns=()))
        if page.next:
            problem = InputProblem(pointer="/input/filter", code="process.query_limit", params={"max": MOST_QUERIED})
            raise InputError([problem])
        allowed = {record.id for record in page.records}
    narrowed: Any = {"and": equal} if equal else text or None
    page = records.page(form, ListQuery(filter=narrowed, sort=sort, limit=MOST_QUERIED if allowed else limit))
    for record in page.records:
        if allowed is None or record.id in allowed:
            found.append({"id": record.id, **record.values})
    return found[:limit]


def _target(around: Around, given: ServiceCall) -> tuple[str, UUID]:
    record_id = identity(given.input.get("id")) or (given.subject[1] if given.subject else None)
    form = given.input.get("form")
    if record_id is None or (form is None and given.subject is None):
        raise InputError([InputProblem(pointer="/input/id", code="process.service_input_missing")])
    return (around.form_name(given.app, form) if form else given.subject[0], record_id)  # type: ignore[index]


def _source(given: ServiceCall) -> dict[str, Any]:
    return {"kind": "process", "name": given.process, "node": given.node, "instance": str(given.instance_id)}


def decide(around: Around, given: ServiceCall) -> Any:
    """The decision's output. Input: ``decision``, ``inputs``."""
    return around.decide(given.app, given.need("decision"), given.input.get("inputs") or {})


def notify(around: Around, given: ServiceCall) -> None:
    """Tells people. Input: ``to``, ``roles``, ``template`` or ``title`` and ``text``, ``level``, ``channels``."""
    title, body, severity = _message(around, given)
    around.messenger.tell(
        _receivers(around, given),
        app=given.app,
        title=title,
        body=body,
        channels=_list(given.input.get("channels")),
        severity=given.input.get("level") or severity,
        kind="process",
        subject=given.subject,
        caused_by=_source(given),
        key=given.key,
    )


def mail(around: Around, given: ServiceCall) -> None:
    """Queues a mail. Input: ``to`` (addresses or people), ``roles``, ``template`` or ``subject`` and ``text``."""
    title, body, _ = _message(around, given)
    receivers = _receivers(around, given)
    if not receivers:
        raise InputError([InputProblem(pointer="/input/to", code="process.no_receiver")])
    around.messenger.tell(
        receivers,
        app=given.app,
        title=title,
        body=body,
        channels=[MAIL],
        subject=given.subject,
        caused_by=_source(given),
        key=given.key,
    )


def ask(around: Around, given: ServiceCall) -> None:
    """Queues mails with a link that takes one answer without an account; the answer comes back as ``message``.

    Input: ``to``, ``roles``, ``template`` or ``subject`` and ``text``, ``answer`` (yes_no, score), ``message``.
    """
    title, body, _ = _message(around, given)
    receivers = _receivers(around, given)
    if not receivers:
        raise InputError([InputProblem(pointer="/input/to", code="process.no_receiver")])
    around.answers.ask(
        receivers,
        app=given.app,
        kind=given.need("answer"),
        title=title,
        body=body,
        message=given.input.get("message") or "",
        subject=given.subject,
        instance=given.instance_id,
        caused_by=_source(given),
        key=given.key,
    )


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _receivers(around: Around, given: ServiceCall) -> Receivers:
    wanted = _list(given.input.get("to"))
    people = [found for item in wanted if (found := identity(item))]
    addresses = [item for item in wanted if isinstance(item, str) and item]
    for role in _list(given.input.get("roles")):
        people += around.directory.people_with_role(role if "." in role else f"{given.app}.{role}")
    return Receivers(people=tuple(dict.fromkeys(people)), addresses=tuple(dict.fromkeys(addresses)))


def _message(around: Around, given: ServiceCall) -> tuple[Mapping[str, str], Mapping[str, str], str]:
    values = {**dict(given.input), "subject": around.subject_values(given)}
    if name := given.input.get("template"):
        return around.render(given.app, name, values)
    title = given.input.get("title", given.input.get("subject"))
    return LocalizedText.of(title).texts, LocalizedText.of(given.input.get("text")).texts, ""


def http(workspace: Workspace, given: ServiceCall) -> Any:
    """``{status, body}`` of the answer, JSON decoded. Input: ``url``, ``method``, ``body``, ``headers``."""
    hosts = workspace.settings.webhook_hosts.split(",")
    settings = WebhookSettings(allowed_private=tuple(host.strip() for host in hosts if host.strip()))
    body = given.input.get("body")
    known = workspace.settings.secrets()
    headers = {str(k): with_secrets(str(v), known) for k, v in (given.input.get("headers") or {}).items()}
    answer = call(
        str(given.input.get("method") or "POST").upper(),
        str(given.need("url")),
        body=b"" if body is None else json.dumps(body, ensure_ascii=False, default=str).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "Dougong", **headers, "Idempotency-Key": given.key},
        settings=settings,
    )
    check_status(answer)
    try:
        content = json.loads(answer.body, parse_float=str, parse_int=str) if answer.body else None
    except ValueError:
        content = answer.body.decode("utf-8", "replace")
    return {"status": answer.status, "body": content}


def _document(workspace: Workspace, given: ServiceCall) -> Any:
    # Imported here: documents stand on the runtime.
    from builder.documents.service import document

    return document(workspace, given)


_SECRET = re.compile(r"\{secret:([^{}]+)\}")


def with_secrets(text: str, known: Mapping[str, str]) -> str:
    """``text`` with each ``{secret:name}`` replaced: only as it leaves, so that no row ever holds the value."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise Undeliverable(f'there is no secret "{found[1]}"')
        return known[found[1]]

    return _SECRET.sub(value, text)


def built_in() -> Registry[Service]:
    """The services of the product."""
    services: Registry[Service] = Registry("service of processes")
    services.register("record.create", Service(inside=create_record))
    services.register("record.update", Service(inside=update_record))
    services.register("record.delete", Service(inside=delete_record))
    services.register("record.query", Service(inside=query_records))
    services.register("calendar.entry", Service(inside=put_entry))
    services.register("decision", Service(inside=decide))
    services.register("notify", Service(inside=notify))
    services.register("mail", Service(inside=mail))
    services.register("ask", Service(inside=ask))
    services.register("http", Service(outside=http))
    services.register("document", Service(outside=_document))
    return services
