"""The OpenAPI 3.1 document, generated from the forms in force that the caller may use."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from builder.definitions import CompiledApp
from builder.web.access import may
from builder.web.context import site
from engines.core import LocalizedText
from engines.form import AttachmentType, CompiledField, CompiledForm

_ERRORS = {
    "401": "The token is missing or not good any more.",
    "403": "The token's person or scopes may not do it.",
    "404": "There is no such thing, or none that may be seen.",
    "409": "Somebody else was faster; params say who did what and when.",
    "422": "What was sent does not fit; problems name each place.",
}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": 200},
    "description": "A repeated call with the same key is carried out once.",
}
_CONFIRM = {
    "name": "confirm",
    "in": "query",
    "schema": {"type": "array", "items": {"type": "string"}},
    "description": "Rules whose question is answered with yes: `params.rule` of problems with code `rules.confirm`.",
}
_MATCH = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The version that the change was made against.",
}


def document(apps: Mapping[str, CompiledApp], server: str, locale: str) -> dict[str, Any]:
    """The document, as JSON data."""
    paths: dict[str, Any] = {}
    schemas = _common_schemas()
    for name, app in apps.items():
        for local, form in app.forms.items():
            if any(may(form, site().principal, op) for op in ("see", "create", "edit", "delete")):
                paths |= _form_paths(name, local, form, locale)
                schemas[_schema_name(name, local)] = _record_schema(form)
                schemas[f"{_schema_name(name, local)}.input"] = _input_schema(form)
    paths |= _task_paths()
    return {
        "openapi": "3.1.0",
        "info": {"title": "Dougong", "version": "1", "description": "Records and tasks of the apps in this workspace."},
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
            "responses": {status: _error(text) for status, text in _ERRORS.items()},
        },
    }


def _error(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/problem+json": {"schema": _ref("problem")}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _schema_name(app: str, form: str) -> str:
    return f"{app}.{form}"


def _input_schema(form: CompiledForm) -> dict[str, Any]:
    """The form's own schema of a record as it is sent."""
    schema = copy.deepcopy(dict(form.json_schema))
    schema.pop("$schema", None)
    schema.pop("$id", None)
    return schema


def _record_schema(form: CompiledForm) -> dict[str, Any]:
    """A record as it is answered: what may not be seen is missing, so nothing is required."""
    values = {"type": "object", "properties": {n: {} for n in form.fields}}
    return {
        "type": "object",
        "required": ["id", "version", "values"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "version": {"type": "integer"},
            "created_at": {"type": "string", "format": "date-time"},
            "updated_at": {"type": "string", "format": "date-time"},
            "owner": {"type": ["string", "null"]},
            "values": values,
            "titles": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }


def _form_paths(app: str, local: str, form: CompiledForm, locale: str) -> dict[str, Any]:
    label = LocalizedText.of(form.definition.label).get(locale) or local
    name, base = _schema_name(app, local), f"/api/v1/apps/{app}/forms/{local}/records"
    principal = site().principal
    sent = {"required": True, "content": {"application/json": {"schema": _ref(f"{name}.input")}}}
    changed = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    record = {"application/json": {"schema": _ref(name)}}
    operations: dict[str, dict[str, Any]] = {base: {}, f"{base}/{{id}}": {}}
    if may(form, principal, "see"):
        listed = {
            "type": "object",
            "properties": {"items": {"type": "array", "items": _ref(name)}, "next": {"type": ["string", "null"]}},
        }
        answer = {"application/json": {"schema": listed}}
        operations[base]["get"] = _operation(f"{app}_{local}_list", label, "200", answer, _list_parameters(form))
        operations[f"{base}/{{id}}"]["get"] = _operation(f"{app}_{local}_read", label, "200", record, [_ID])
    if may(form, principal, "create"):
        operations[base]["post"] = _operation(f"{app}_{local}_create", label, "201", record, [_KEY, _CONFIRM], sent)
    if may(form, principal, "edit"):
        operations[f"{base}/{{id}}"]["patch"] = _operation(
            f"{app}_{local}_update", label, "200", record, [_ID, _MATCH, _KEY, _CONFIRM], changed
        )
    if may(form, principal, "delete"):
        operations[f"{base}/{{id}}"]["delete"] = _operation(
            f"{app}_{local}_delete", label, "204", None, [_ID, _MATCH, _CONFIRM]
        )
    operations |= _file_paths(app, local, form, label)
    return {path: methods for path, methods in operations.items() if methods}


def _file_paths(app: str, local: str, form: CompiledForm, label: str) -> dict[str, dict[str, Any]]:
    """How files are sent and read, where the form has fields for them."""
    paths = [f"{t.name}.{c.name}" for t in form.subtables.values() for c in (t.rows or {}).values() if _takes_files(c)]
    paths += [name for name, field in form.fields.items() if _takes_files(field)]
    if not paths:
        return {}
    base, principal = f"/api/v1/apps/{app}/forms/{local}", site().principal
    field = {"name": "field", "in": "path", "required": True, "schema": {"type": "string", "enum": sorted(paths)}}
    file = {**_ID, "name": "file"}
    found: dict[str, dict[str, Any]] = {}
    if may(form, principal, "create") or may(form, principal, "edit"):
        part = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
        sent = {"required": True, "content": {"multipart/form-data": {"schema": part}}}
        answer = {"application/json": {"schema": _ref("file")}}
        operation = _operation(f"{app}_{local}_upload", label, "201", answer, [field], sent)
        found[f"{base}/files/{{field}}"] = {"post": operation}
    if may(form, principal, "see"):
        content = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
        operation = _operation(f"{app}_{local}_file", label, "200", content, [_ID, file])
        found[f"{base}/records/{{id}}/files/{{file}}"] = {"get": operation}
    return found


def _takes_files(field: CompiledField) -> bool:
    return isinstance(field.kind, AttachmentType)


def _list_parameters(form: CompiledForm) -> list[dict[str, Any]]:
    text = {"type": "string"}
    views = {"type": "string", "enum": sorted(form.views)} if form.views else text
    return [
        {"name": "view", "in": "query", "schema": views},
        {"name": "q", "in": "query", "schema": text, "description": "Words that must all be found."},
        {"name": "filter", "in": "query", "schema": text, "description": "A FEEL condition over the form's fields."},
        {"name": "sort", "in": "query", "schema": text, "description": "Fields, with - in front for descending."},
        {"name": "after", "in": "query", "schema": text, "description": "The cursor `next` of the page before."},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}},
        {"name": "count", "in": "query", "schema": {"type": "boolean", "default": False}},
    ]


def _operation(
    id: str, tag: str, status: str, content: Any, parameters: list[Any], body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "Done."} | ({"content": content} if content else {})
    errors = {code: {"$ref": f"#/components/responses/{code}"} for code in _ERRORS}
    found: dict[str, Any] = {
        "operationId": id,
        "tags": [tag],
        "parameters": parameters,
        "responses": {status: answer, **errors},
    }
    return found | ({"requestBody": dict(body)} if body else {})


def _task_paths() -> dict[str, Any]:
    text = {"type": "string"}
    parameters = [
        {"name": "box", "in": "query", "schema": {"type": "string", "enum": ["todo", "mine", "done", "copied"]}},
        {"name": "app", "in": "query", "schema": text},
        {"name": "q", "in": "query", "schema": text},
        {"name": "after", "in": "query", "schema": text},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200}},
    ]
    listed = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": _ref("task")}, "next": {"type": ["string", "null"]}},
    }
    sent = {"required": True, "content": {"application/json": {"schema": _ref("completion")}}}
    begun = {"application/json": {"schema": {"type": "object", "properties": {"id": {**text, "format": "uuid"}}}}}
    start = {
        "type": "object",
        "properties": {
            "form": text,
            "record": {**text, "format": "uuid"},
            "variables": {"type": "object"},
            # People by user task, where the process leaves them to whoever starts it.
            "choices": {"type": "object", "additionalProperties": {"type": "array", "items": text}},
        },
    }
    starting = {"required": True, "content": {"application/json": {"schema": start}}}
    named = [{"name": n, "in": "path", "required": True, "schema": text} for n in ("app", "process")]
    return {
        "/api/v1/apps/{app}/processes/{process}/instances": {
            "post": _operation("processes_start", "Processes", "201", begun, [*named, _KEY], starting)
        },
        "/api/v1/tasks": {
            "get": _operation("tasks_list", "Tasks", "200", {"application/json": {"schema": listed}}, parameters)
        },
        "/api/v1/tasks/{id}/complete": {"post": _operation("tasks_complete", "Tasks", "204", None, [_ID, _KEY], sent)},
    }


def _common_schemas() -> dict[str, Any]:
    text, nullable = {"type": "string"}, {"type": ["string", "null"]}
    return {
        "problem": {
            "type": "object",
            "required": ["status", "code"],
            "properties": {
                "type": text,
                "title": text,
                "status": {"type": "integer"},
                "code": text,
                "detail": text,
                "params": {"type": "object"},
                "problems": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"pointer": text, "code": text, "message": text, "params": {"type": "object"}},
                    },
                },
            },
        },
        "file": {
            "type": "object",
            "required": ["id", "name", "size", "type"],
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "name": text,
                "size": {"type": "integer"},
                "type": text,
            },
        },
        "task": {
            "type": "object",
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "app": text,
                "process": text,
                "node": text,
                "title": text,
                "subject": {"type": ["object", "null"]},
                "subject_title": text,
                "status": {"type": "string", "enum": ["open", "completed", "cancelled"]},
                "outcome": text,
                "assignee": nullable,
                "priority": {"type": "integer"},
                "due_at": nullable,
                "created_at": text,
            },
        },
        "completion": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "outcome": text,
                "values": {"type": "object"},
                "comment": text,
                "checked": {"type": "array", "items": text},
                "base_version": {"type": "integer"},
                "seen_version": {"type": "integer"},
            },
        },
    }
