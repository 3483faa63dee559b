"""Who may do what: decided here for every query and every write. Missing means denied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from engines.core import Principal, PrincipalKind
from engines.form.compiled import CompiledForm, CompiledPermission
from engines.form.definition import ACCESS_LEVELS
from engines.form.records.sharing import shared_entries


class Rights:
    """What a principal may do with the records of one form: the same for all who have its roles and like shares."""

    def __init__(self, form: CompiledForm, principal: Principal) -> None:
        self.form = form
        self.roles = principal.roles
        # "see" or "edit" where records of the form were shared with the principal.
        self.share = principal.share_level(form.name)
        # Whether everything is allowed: only to the system itself.
        self.unlimited = principal.kind is PrincipalKind.SYSTEM
        self._always: dict[tuple[str, str, str], bool] = {}
        self._granting: dict[str, tuple[CompiledPermission, ...]] = {}
        self._writable: dict[str, frozenset[str]] = {}
        # What ``engines.form.records.parts`` keeps for these rights, by the fields wanted.
        self.knowable: dict[frozenset[str], object] = {}

    @cached_property
    def entries(self) -> tuple[CompiledPermission, ...]:
        """The form's permissions that this principal holds through its roles, and through records shared with it."""
        return (*(p for p in self.form.permissions if p.role in self.roles), *shared_entries(self.form, self.share))

    def granting(self, operation: str) -> tuple[CompiledPermission, ...]:
        """The entries that allow an operation (on their rows)."""
        found = self._granting.get(operation)
        if found is None:
            found = self._granting[operation] = tuple(p for p in self.entries if operation in p.operations)
        return found

    def may(self, operation: str) -> bool:
        """Whether the operation is allowed on any record at all."""
        return self.unlimited or bool(self.granting(operation))

    @cached_property
    def sees_all(self) -> bool:
        """Whether every record may be seen, whatever it holds."""
        return self.unlimited or any(entry.rows is None for entry in self.granting("see"))

    def names(self, field: str) -> bool:
        """Whether any permission says something of its own about the field."""
        return not self.unlimited and any(field in entry.definition.fields for entry in self.entries)

    def giving(self, field: str, access: str, operation: str = "see") -> tuple[CompiledPermission, ...]:
        """The entries that allow an operation and give at least ``access`` to a field with it."""
        least = ACCESS_LEVELS[access]
        return tuple(p for p in self.granting(operation) if ACCESS_LEVELS[p.definition.access_to(field)] >= least)

    def always(self, field: str, access: str, operation: str = "see") -> bool:
        """Whether every record that the operation reaches gives ``access`` to the field."""
        key = (field, access, operation)
        if key not in self._always:
            self._always[key] = self._is_always(field, access, operation)
        return self._always[key]

    def _is_always(self, field: str, access: str, operation: str) -> bool:
        if self.unlimited:
            return True
        givers = self.giving(field, access, operation)
        return givers == self.granting(operation) or any(not p.limited for p in givers)

    def never(self, field: str, access: str, operation: str = "see") -> bool:
        """Whether no record that the operation reaches gives ``access`` to the field."""
        return not self.unlimited and not self.giving(field, access, operation)

    def access(self, field: str) -> str:
        """The best access to a field on any record: what a designer's preview and a form's layout show."""
        if self.unlimited:
            return "write"
        levels = [p.definition.access_to(field) for p in self.entries]
        return max(levels, key=ACCESS_LEVELS.__getitem__, default="hidden")

    @cached_property
    def always_readable(self) -> frozenset[str]:
        """The fields (and columns) that may be read of every record that may be seen; none where none may be seen."""
        names = self.form.rights_names() if self.may("see") else ()
        return frozenset(name for name in names if self.always(name, "read"))

    def writable_with(self, operation: str) -> frozenset[str] | None:
        """The fields that an operation lets this principal write on some records; None: all."""
        if self.unlimited:
            return None
        if operation not in self._writable:
            self._writable[operation] = self.writable(self.form.rights_names(), self.granting(operation))
        return self._writable[operation]

    def writable(self, fields: Iterable[str], entries: Iterable[CompiledPermission]) -> frozenset[str]:
        """The fields that the given entries let this principal write."""
        return frozenset(f for f in fields if any(e.definition.access_to(f) == "write" for e in entries))


def access_of(field: str, seeing: Sequence[CompiledPermission], editing: Sequence[CompiledPermission]) -> str:
    """The access that entries give to a field: "write" where one that lets edit does, else as those let see."""
    if any(entry.definition.access_to(field) == "write" for entry in editing):
        return "write"
    levels = [entry.definition.access_to(field) for entry in seeing]
    best = max(levels, key=ACCESS_LEVELS.__getitem__, default="hidden")
    return "read" if best == "write" else best
