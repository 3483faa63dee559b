"""All problems of an app at once: each file alone, its references to others, and its names."""

from __future__ import annotations

from collections.abc import Mapping

from builder.definitions.definitions import AppDefinitions
from builder.definitions.source import AppSource, DefinitionFile
from engines.core import DefinitionError, Diagnostic, Severity

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.HINT: 2}


def check(source: AppSource, others: Mapping[str, AppDefinitions] | None = None) -> list[Diagnostic]:
    """Everything that is wrong with an app, by file and line. Never raises for a bad definition, changes nothing.

    ``others``: the definitions of the apps it may refer to, by name.
    """
    return check_definitions(AppDefinitions(source, others))


def check_definitions(definitions: AppDefinitions) -> list[Diagnostic]:
    """Everything that is wrong with an app whose files are loaded already."""
    problems = list(definitions.diagnostics)
    for file in definitions.source.files.values():
        if file.kind is None:
            continue
        loaded = definitions.all(file.kind.name).get(file.stem)
        if loaded is not None:
            problems += _named_otherwise(file, loaded)
            problems += file.kind.validate(loaded, definitions)
    unique = [d for index, d in enumerate(problems) if d not in problems[:index]]
    return sorted(unique, key=_place)


def errors(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Those that stop a publish."""
    return [d for d in diagnostics if d.severity == Severity.ERROR]


def require_sound(diagnostics: list[Diagnostic]) -> None:
    """``DefinitionError`` with everything that was found, where any of it is an error."""
    if errors(diagnostics):
        raise DefinitionError(diagnostics)


def _named_otherwise(file: DefinitionFile, definition: object) -> list[Diagnostic]:
    """A definition that is not called like its file would be looked up under another name than it is edited by."""
    name = getattr(definition, "name", file.stem)
    if file.key == "app" or name == file.stem or file.is_text:
        return []
    suffix = file.kind.suffix if file.kind else ""
    hint = f"rename the file to {name}{suffix}, or the definition to {file.stem}"
    found = Diagnostic(code="release.name_is_not_file_name", found=str(name), expected=file.stem, hint=hint)
    return [found.at(file.source.place("/name"))]


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, int, str]:
    return (diagnostic.file, diagnostic.line, diagnostic.column, _ORDER[diagnostic.severity], diagnostic.code)
