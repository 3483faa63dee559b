"""The files of an app as written: read from a folder or a release, told apart by kind, hashed by content."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from builder.definitions.kinds import Kinds
from engines.core import DefinitionError, DefinitionSource, Diagnostic, Kind

APP_FILE = "app.json"
# Folders whose files are no definitions: sample data. Tests are definitions' companions and travel with them.
_DATA_FOLDER = "data"
_TESTS_FOLDER = "tests"
_LARGEST_FILE = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionFile:
    """One file of an app."""

    # "form:order", "rules:stock", "app", "test:loan": what edits and layers are addressed to.
    key: str
    # None for tests, which belong to no engine.
    kind: Kind | None
    # File name without its suffix; the definition's name must equal it.
    stem: str
    source: DefinitionSource

    @property
    def is_text(self) -> bool:
        """Whether it is a text definition (rules) rather than JSON."""
        return not self.source.file.endswith(".json")


@dataclass(frozen=True, kw_only=True)
class AppSource:
    """All definition files of one app, by key."""

    files: Mapping[str, DefinitionFile]
    # What is wrong with the set of files itself: unknown suffixes, one key twice, unreadable files.
    diagnostics: tuple[Diagnostic, ...] = ()
    # Where it was read from; None for one that comes from a release or a draft.
    folder: Path | None = field(default=None, compare=False)

    @cached_property
    def hash(self) -> str:
        """Hex SHA-256 over the paths and texts of all files."""
        return content_hash({file.source.file: file.source.text for file in self.files.values()})

    @property
    def checked(self) -> bool:
        """Whether all of it was checked by this engine before; see ``DefinitionSource.checked``."""
        return not self.diagnostics and all(file.source.checked for file in self.files.values())

    def as_checked(self) -> AppSource:
        """The same files, known to be without errors."""
        files = {key: replace(f, source=replace(f.source, checked=True)) for key, f in self.files.items()}
        return AppSource(files=files, diagnostics=self.diagnostics, folder=self.folder)

    def texts(self) -> dict[str, str]:
        """Path to text, by path."""
        return {f.source.file: f.source.text for f in sorted(self.files.values(), key=lambda f: f.source.file)}


def content_hash(texts: Mapping[str, str]) -> str:
    """Hex SHA-256 of files, independent of their order."""
    digest = hashlib.sha256()
    for path in sorted(texts):
        for part in (path, texts[path]):
            data = part.encode()
            digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def load_folder(folder: Path | str, kinds: Kinds | None = None) -> AppSource:
    """The app in ``folder``: ``app.json`` and every definition below it, found by suffix.

    Problems of single files are diagnostics; a folder without ``app.json`` is a ``DefinitionError``.
    """
    root = Path(folder)
    if not (root / APP_FILE).is_file():
        expected = "a folder that holds app.json"
        raise DefinitionError([Diagnostic(code="release.no_app", found=str(folder), expected=expected)])
    texts, problems = {}, []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and _counts(name):
            text, problem = _read(path, name)
            texts[name] = text
            problems += problem
    return source_of(texts, kinds, problems=problems, folder=root)


def source_of(
    texts: Mapping[str, str],
    kinds: Kinds | None = None,
    *,
    problems: Iterable[Diagnostic] = (),
    folder: Path | None = None,
) -> AppSource:
    """The app whose files are ``texts`` (path to text)."""
    kinds = kinds or Kinds.standard()
    files: dict[str, DefinitionFile] = {}
    found = list(problems)
    for path, text in texts.items():
        file = _file(path, text, kinds)
        if file is None:
            found.append(_unknown_suffix(path, kinds))
        elif file.key in files:
            first = files[file.key].source.file
            found.append(Diagnostic(code="release.twice", file=path, found=file.key, expected=f"only {first}"))
        else:
            files[file.key] = file
    return AppSource(files=files, diagnostics=tuple(found), folder=folder)


def is_binary(name: str) -> bool:
    """Whether a file of this name is an Office file, whose bytes stand as base64 text among an app's files."""
    return name.endswith((".docx", ".xlsx"))


def write_file(target: Path, text: str) -> None:
    """Writes a file of an app as it is edited: an Office file as its bytes."""
    if is_binary(target.name):
        target.write_bytes(base64.b64decode(text))
    else:
        target.write_text(text, "utf-8")


def _counts(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "_")) for part in parts)
    return not hidden and parts[0] != _DATA_FOLDER and not name.endswith(".md")


def _read(path: Path, name: str) -> tuple[str, list[Diagnostic]]:
    if path.stat().st_size > _LARGEST_FILE:
        expected = f"at most {_LARGEST_FILE} bytes"
        return "", [Diagnostic(code="release.too_large", file=name, found=str(path.stat().st_size), expected=expected)]
    if is_binary(name):
        # Kept as text, so that releases, layers and hashes need to know of nothing else.
        return base64.b64encode(path.read_bytes()).decode(), []
    try:
        return path.read_text("utf-8").replace("\r\n", "\n"), []
    except UnicodeDecodeError as error:
        return "", [Diagnostic(code="release.not_utf8", file=name, found=f"byte {error.start}", expected="UTF-8 text")]


def _file(path: str, text: str, kinds: Kinds) -> DefinitionFile | None:
    source = DefinitionSource(file=path, text=text)
    if path == APP_FILE:
        return DefinitionFile(key="app", kind=kinds["app"], stem="app", source=source)
    name = PurePosixPath(path).name
    if PurePosixPath(path).parts[0] == _TESTS_FOLDER and name.endswith(".json"):
        stem = name.removesuffix(".json").removesuffix(".test")
        return DefinitionFile(key=f"test:{stem}", kind=None, stem=stem, source=source)
    kind = kinds.of_file(name)
    if kind is None:
        return None
    stem = name.removesuffix(kind.suffix)
    return DefinitionFile(key=f"{kind.name}:{stem}", kind=kind, stem=stem, source=source)


def _unknown_suffix(path: str, kinds: Kinds) -> Diagnostic:
    expected = "one of: " + ", ".join(f"*{kind.suffix}" for kind in kinds if kind.suffix != APP_FILE)
    hint = "definitions are found by the end of their name; sample data go into data/, notes into *.md"
    return Diagnostic(
        code="release.unknown_file", file=path, found=PurePosixPath(path).name, expected=expected, hint=hint
    )
