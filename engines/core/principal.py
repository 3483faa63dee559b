"""Who acts: the value that every right is decided against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class PrincipalKind(StrEnum):
    """What acts: a signed-in person, an app itself, a public visitor, the system."""

    PERSON = "person"
    APP = "app"
    PUBLIC = "public"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An actor with all that row conditions may ask about it. Holds no rights: those stand in the definitions."""

    kind: PrincipalKind
    # Person id; None for apps, visitors and the system.
    id: UUID | None = None
    # Qualified role names ("shop.cashier"); an app's rules act with "<app>.app", a visitor with "<app>.public".
    roles: frozenset[str] = frozenset()
    # The person's main department.
    department: UUID | None = None
    # All departments the person is in, with those below them.
    departments: frozenset[UUID] = frozenset()
    # Language of texts shown to this principal.
    locale: str = "zh"
    # Further facts that FEEL may read as ``my.<name>``.
    attributes: Mapping[str, Any] = field(default_factory=dict)


SYSTEM = Principal(kind=PrincipalKind.SYSTEM)
