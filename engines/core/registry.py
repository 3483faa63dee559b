"""Extension points: named entries handed to ``compile``, never module globals."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Generic, TypeVar

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """Names and the entries that stand behind them, in the order registered."""

    def __init__(self, what: str) -> None:
        """``what`` names the kind of entry in error messages, for example "field type"."""
        self.what = what
        self._entries: dict[str, Entry] = {}

    def register(self, name: str, entry: Entry, *, replace: bool = False) -> Entry:
        """Adds ``entry``; a taken name is a ``ValueError`` unless ``replace`` is set."""
        if name in self._entries and not replace:
            raise ValueError(f'the {self.what} "{name}" is registered already; pass replace=True to replace it')
        self._entries[name] = entry
        return entry

    def get(self, name: str) -> Entry | None:
        """The entry, or None where the name is not registered."""
        return self._entries.get(name)

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            close = get_close_matches(name, self._entries, n=1)
            hint = f'; did you mean "{close[0]}"?' if close else ""
            raise KeyError(f'there is no {self.what} "{name}"{hint}') from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def items(self) -> Iterator[tuple[str, Entry]]:
        """Names with their entries, in the order registered."""
        return iter(self._entries.items())

    def copy(self) -> "Registry[Entry]":
        """A registry of its own with the same entries."""
        twin: Registry[Entry] = Registry(self.what)
        twin._entries.update(self._entries)
        return twin
