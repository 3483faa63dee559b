"""Kinds of definitions: how ``builder`` finds, reads, checks and compiles the files of an app."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from engines.core.diagnostics import Diagnostic, Severity
from engines.core.source import DefinitionSource

Definition = TypeVar("Definition")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Generic[Definition]):
    """What reading one definition file gave."""

    # The definition; None where the file is too broken to be one.
    definition: Definition | None
    # Everything that is wrong with the file alone; references to others are checked by ``validate``.
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is a definition and none of the diagnostics is an error."""
        return self.definition is not None and all(d.severity != Severity.ERROR for d in self.diagnostics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of definition."""

    # How ``Definitions`` names it, for example "form".
    name: str
    # End of its file names, for example ".form.json".
    suffix: str
    # JSON Schema (2020-12) of the file; empty for text definitions.
    schema: Mapping[str, Any]
    # source -> Loaded(definition, diagnostics)
    load: Callable[[DefinitionSource], Loaded[Any]]
    # (definition, definitions) -> all diagnostics, also those of ``load`` that concern other files
    validate: Callable[..., Sequence[Diagnostic]]
    # (definition, definitions, registry=…) -> compiled; DefinitionError
    compile: Callable[..., Any]
