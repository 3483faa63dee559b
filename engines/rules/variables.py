"""The variables of a rule's expressions: layers looked through without being copied, so that loading stays lazy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Variables(Mapping[str, Any]):
    """Names given by the rule, the record's fields, and what is the same for all rules, in this order."""

    __slots__ = ("_common", "_names", "_record")

    def __init__(self, names: Mapping[str, Any], record: Mapping[str, Any], common: Mapping[str, Any]) -> None:
        self._names = names
        self._record = record
        self._common = common

    def with_names(self, names: Mapping[str, Any]) -> Variables:
        """The same with further names, which hide others."""
        return Variables({**self._names, **names}, self._record, self._common)

    def with_record(self, changed: Mapping[str, Any]) -> Variables:
        """The same after fields of the record have changed."""
        record = Overlaid(changed, self._record)
        names = {**self._names, "record": record} if "record" in self._names else self._names
        return Variables(names, record, self._common)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a name."""
        if key in self._names:
            return self._names[key]
        if key in self._record:
            return self._record[key]
        return self._common.get(key, default)

    def __getitem__(self, key: str) -> Any:
        for layer in (self._names, self._record):
            if key in layer:
                return layer[key]
        return self._common[key]

    def __contains__(self, key: object) -> bool:
        return key in self._names or key in self._record or key in self._common

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self._common), **dict.fromkeys(self._record), **dict.fromkeys(self._names)})

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Overlaid(Mapping[str, Any]):
    """A record of which some fields have changed."""

    __slots__ = ("_base", "_changed")

    def __init__(self, changed: Mapping[str, Any], base: Mapping[str, Any]) -> None:
        self._changed = changed
        self._base = base

    def __getitem__(self, key: str) -> Any:
        return self._changed[key] if key in self._changed else self._base[key]

    def __contains__(self, key: object) -> bool:
        return key in self._changed or key in self._base

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self._base), **dict.fromkeys(self._changed)})

    def __len__(self) -> int:
        return sum(1 for _ in self)
