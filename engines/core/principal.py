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
    # Records shared with it: qualified form, "see" or "edit", and to whom ("person:…", "role:…", "department:…").
    shares: frozenset[tuple[str, str, str]] = frozenset()
    # Whether it may change nothing at all: an admin who looks through somebody's eyes.
    looks_only: bool = False
    # Further facts that FEEL may read as ``my.<name>``.
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def share_keys(self) -> frozenset[str]:
        """To whom the records that it may use were shared."""
        return frozenset(key for _form, _level, key in self.shares)

    def share_level(self, form: str) -> str:
        """The most that was shared of a form's records: "edit", "see", or "" for nothing."""
        if not self.shares:
            return ""
        levels = {level for name, level, _key in self.shares if name == form}
        return "edit" if "edit" in levels else "see" if levels else ""


SYSTEM = Principal(kind=PrincipalKind.SYSTEM)
