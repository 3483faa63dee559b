"""What an expression may name: variables with their types, and named types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from engines.feel.names import NameIndex, normalise
from engines.feel.types import ContextType, FeelType, FunctionType, ListType, RangeType


class Scope:
    """Names in scope and their types. Immutable; scopes with the same names and types share compiled expressions.

    ``variables`` maps a name to its type; a ``FunctionType`` declares a function that the evaluation context or the
    variables provide. ``types`` are named types for ``instance of`` and parameters. An ``open`` scope takes names that
    it does not know for variables of any type instead of reporting them.
    """

    def __init__(
        self,
        variables: Mapping[str, FeelType] | None = None,
        types: Mapping[str, FeelType] | None = None,
        *,
        open: bool = False,
    ) -> None:
        self.variables = {normalise(name): kind for name, kind in (variables or {}).items()}
        self.types = dict(types or {})
        self.open = open

    def extended(self, variables: Mapping[str, FeelType]) -> Scope:
        """A scope with further variables, which hide those of the same name."""
        return Scope({**self.variables, **variables}, self.types, open=self.open)

    @cached_property
    def _key(self) -> tuple[object, ...]:
        return frozenset(self.variables.items()), frozenset(self.types.items()), self.open

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Scope) and self._key == other._key)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self._key)

    @cached_property
    def index(self) -> NameIndex:
        """The names of several words among variables and types."""
        return NameIndex([*self.variables, *self.types])

    @cached_property
    def properties(self) -> frozenset[str]:
        """All names of entries that the types of this scope mention, except of those given lazily."""
        found: set[str] = set()
        for kind in [*self.variables.values(), *self.types.values()]:
            found.update(_entry_names(kind))
        return frozenset(found)

    @cached_property
    def property_index(self) -> NameIndex:
        """The entry names of several words."""
        return NameIndex(self.properties)


def _entry_names(kind: FeelType) -> Iterator[str]:
    match kind:
        case ListType() | RangeType():
            yield from _entry_names(kind.element)
        case FunctionType():
            yield from _entry_names(kind.result)
        case ContextType() if not kind.is_lazy:
            for name, entry in kind.fields.items():
                yield name
                yield from _entry_names(entry)
