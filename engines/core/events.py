"""Events: what happened inside a command. They stay in its transaction; effects leave it after commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """The declaration of a kind of event."""

    # Dotted name, for example "record.created".
    name: str
    # What has happened when it is raised.
    doc: str
    # JSON Schema (2020-12) of its payload.
    payload: Mapping[str, Any]
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened."""

    id: UUID
    # Name of the EventType.
    type: str
    version: int = 1
    # Instant of the command, UTC.
    at: datetime
    # App whose definition it concerns.
    app: str = ""
    # Release in force.
    release: int = 0
    # Person who acted; None for the system.
    actor: UUID | None = None
    # What it is about: ("shop.order", record id) for records, ("shop.approval", instance id) for processes.
    subject: tuple[str, UUID] | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    # The event whose handling raised this one.
    caused_by: UUID | None = None
    # The command that started the chain.
    correlation_id: UUID | None = None
