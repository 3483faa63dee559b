"""Named types of a decision model: what they are in FEEL, and which values conform (DMN 1.5 §7.3.2, §10.3.2.9.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from engines import feel
from engines.feel.conforming import coerce
from engines.feel.runtime import NOWHERE, Runtime
from engines.feel.types import BY_NAME
from engines.feel.values import type_name
from engines.rules.decisions import model as m

Test = Callable[[Runtime, Mapping[str, Any]], Any]

# Names of types in our JSON besides FEEL's own.
_OURS: Final[Mapping[str, feel.FeelType]] = {
    "text": feel.STRING,
    "choice": feel.STRING,
    "money": feel.NUMBER,
    "datetime": feel.DATE_TIME,
    "duration": feel.DAYS_TIME,
    "period": feel.YEARS_MONTHS,
    "any": feel.ANY,
    "reference": feel.ANY,
    "person": feel.ANY,
}
_CLASSES: Final[Mapping[feel.FeelType, type]] = {feel.NUMBER: Decimal, feel.STRING: str, feel.BOOLEAN: bool}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A type that values are made to conform to."""

    feel: feel.FeelType
    # What a value that is not null must satisfy besides; unary tests over ``?``.
    test: Test | None = None
    # Of the items of a list, and the entries of a context.
    item: Kind | None = None
    fields: Mapping[str, Kind] = field(default_factory=dict)
    name: str = ""
    # Its allowed values as FEEL unary tests, for those who look at all of them; "" where every value is.
    allowed: str = ""
    # The Python class whose every value conforms as it is; None where more must be looked at.
    exact: type | None = field(init=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self.test is None:
            object.__setattr__(self, "exact", _CLASSES.get(self.feel))

    @property
    def is_any(self) -> bool:
        """Whether every value conforms."""
        return self.feel.is_any and self.test is None


ANYTHING: Final = Kind(feel=feel.ANY)


def conform(runtime: Runtime, value: Any, kind: Kind) -> Any:
    """``value`` as ``kind``: singletons become lists and lists of one their item; null where it does not conform."""
    if type(value) is kind.exact or value is None or kind is ANYTHING:
        return value
    fits, value = coerce(value, kind.feel)
    if not fits:
        runtime.fail("rules.not_of_type", found=type_name(value), expected=kind.name or str(kind.feel))
        return None
    if not _passes(runtime, value, kind):
        runtime.fail("rules.not_allowed", found=type_name(value), expected=kind.name)
        return None
    return value


def _passes(runtime: Runtime, value: Any, kind: Kind) -> bool:
    """Whether the constraints on the value and on all it holds are met; null meets those that do not name it."""
    if kind.test is not None and kind.test(runtime, {"?": value}) is not True:
        return False
    if kind.item is not None and isinstance(value, list):
        return all(_passes(runtime, item, kind.item) for item in value if item is not None)
    if kind.fields and isinstance(value, Mapping):
        return all(
            value.get(name) is None or _passes(runtime, value[name], entry) for name, entry in kind.fields.items()
        )
    return True


class KindTable:
    """The types of a model by name, with those of imported models under "import.name"."""

    def __init__(self, types: Sequence[m.TypeDefinition], imported: Mapping[str, KindTable]) -> None:
        self._definitions = {item.name: item for item in types}
        self._imported = imported
        self._kinds: dict[str, Kind] = {}

    def kind(self, name: str) -> Kind:
        """The type called ``name``; anything where there is no such type or it refers to itself."""
        if not name or name == "Any":
            return ANYTHING
        if name in self._kinds:
            return self._kinds[name]
        definition = self._definitions.get(name)
        if definition is not None:
            self._kinds[name] = ANYTHING
            self._kinds[name] = self._build(definition, name)
            return self._kinds[name]
        return self._elsewhere(name)

    def named(self) -> dict[str, feel.FeelType]:
        """All named types, for ``instance of``."""
        mine = {name: self.kind(name).feel for name in self._definitions}
        theirs = {
            f"{prefix}.{name}" if prefix else name: kind
            for prefix, table in self._imported.items()
            for name, kind in table.named().items()
        }
        return theirs | mine

    def _elsewhere(self, name: str) -> Kind:
        for prefix, table in self._imported.items():
            if prefix and name.startswith(prefix + "."):
                return table.kind(name.removeprefix(prefix + "."))
            if not prefix and name in table._definitions:
                return table.kind(name)
        known = _OURS.get(name) or BY_NAME.get(name)
        self._kinds[name] = Kind(feel=known, name=name) if known is not None else ANYTHING
        return self._kinds[name]

    def _build(self, definition: m.TypeDefinition, name: str) -> Kind:
        if definition.parameters is not None:
            parameters = tuple(self.kind(p.type).feel for p in definition.parameters)
            names = tuple(p.name for p in definition.parameters)
            return Kind(feel=feel.FunctionType(parameters, self.kind(definition.result).feel, names), name=name)
        base = self._base(definition)
        kind = Kind(
            feel=base.feel,
            test=_both(base.test, unary_test(definition.allowed, base.feel)),
            item=base.item,
            fields=base.fields,
            name=name,
            allowed=definition.allowed or base.allowed,
        )
        if definition.is_list:
            kind = Kind(feel=feel.ListType(kind.feel), item=kind, name=name)
        return Kind(
            feel=kind.feel,
            test=_both(kind.test, unary_test(definition.constraint, kind.feel)),
            item=kind.item,
            fields=kind.fields,
            name=name,
            allowed=kind.allowed,
        )

    def _base(self, definition: m.TypeDefinition) -> Kind:
        if not definition.fields:
            return self.kind(definition.type)
        fields = {item.name: self._build(item, item.name) for item in definition.fields}
        return Kind(feel=feel.ContextType({name: kind.feel for name, kind in fields.items()}), fields=fields)


def unary_test(text: str, kind: feel.FeelType) -> Test | None:
    """Unary tests as a function of the runtime and variables with ``?``; None where all is allowed."""
    if text.strip() in ("", "-"):
        return None
    return feel.compile_unary_tests(text, feel.Scope(), kind, strict=False).run


def _both(first: Test | None, second: Test | None) -> Test | None:
    if first is None or second is None:
        return first or second
    one, other = first, second

    def test(runtime: Runtime, variables: Mapping[str, Any]) -> Any:
        return True if one(runtime, variables) is True and other(runtime, variables) is True else None

    return test


__all__ = ["ANYTHING", "NOWHERE", "Kind", "KindTable", "Test", "conform", "unary_test"]
