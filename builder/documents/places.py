"""The places of an Office template: read in a child process, compiled over the form's names."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from engines import feel
from engines.core import DefinitionError, InputError, InputProblem

_CHILD = Path(__file__).with_name("office_child.py")
_PATIENCE_S = 90
# What a place shows besides a text: a QR code of a text, or the pictures of a field; and how wide, in millimetres.
_PICTURE = re.compile(r"(?P<what>qr|picture)\s*\((?P<text>.*?)(?:,\s*(?P<width>\d{1,3})\s*)?\)", re.DOTALL)
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
USUAL_WIDTH = {"qr": 25, "picture": 40}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One ``{{ FEEL }}``."""

    text: str
    expression: feel.Expression
    # "", "qr" or "picture"
    picture: str = ""
    width: int = 0

    @property
    def path(self) -> tuple[str, ...]:
        """The field that is named, where the expression does nothing but name one."""
        return tuple(self.text.split(".")) if _PATH.fullmatch(self.text) else ()

    @property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """Paths that it reads."""
        return self.expression.reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """What is repeated for each row of a sub-table, record of a relation, or item of any list."""

    name: str
    expression: feel.Expression
    places: Sequence[Place | Repeat]

    @property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """Paths that it and what it repeats read; names that are not the item's are the record's."""
        inner = {path for place in self.places for path in place.reads}
        own = tuple(self.name.split("."))
        return self.expression.reads | {(*own, *path) for path in inner} | inner


def run_child(*arguments: str) -> Mapping[str, Any]:
    """What the child prints; ``InputError`` where it refuses the template or takes too much."""
    command = [sys.executable, "-I", str(_CHILD), *arguments]
    try:
        done = subprocess.run(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_PATIENCE_S
        )
    except subprocess.TimeoutExpired as error:
        raise _refused("document.cannot_be_set", {}) from error
    told: Mapping[str, Any] = orjson.loads(done.stdout) if done.stdout.endswith(b"}\n") else {}
    if "error" in told:
        raise _refused(*told["error"])
    if done.returncode != 0:
        raise _refused("document.cannot_be_set", {})
    return told


@lru_cache(maxsize=64)
def read_places(content: bytes) -> Any:
    """The places of a template, as the child tells them; asked once for the same content."""
    with tempfile.TemporaryDirectory(prefix="dougong-document-") as folder:
        path = Path(folder) / "template"
        path.write_bytes(content)
        return run_child("scan", str(path))["places"]


def compiled_places(places: Sequence[Any], names: Mapping[str, feel.FeelType]) -> Sequence[Place | Repeat]:
    """The places compiled over ``names``; ``InputError`` with everything that cannot be."""
    problems: list[InputProblem] = []
    found = _compiled(places, feel.Scope(names), problems)
    if problems:
        raise InputError(problems)
    return found


def _compiled(places: Sequence[Any], scope: feel.Scope, problems: list[InputProblem]) -> list[Place | Repeat]:
    found: list[Place | Repeat] = []
    for place in places:
        try:
            found.append(_place(place, scope) if isinstance(place, str) else _repeat(place, scope, problems))
        except DefinitionError as error:
            told = error.diagnostics[0]
            text = place if isinstance(place, str) else f"#{place[0]}"
            reason = f"{told.found} {told.hint}".strip() or told.code
            params = {"found": f"{{{{{text}}}}}"[:120], "reason": f"{told.code}: {reason}"[:200]}
            problems.append(InputProblem(pointer="", code="document.bad_place", params=params))
    return found


def _place(text: str, scope: feel.Scope) -> Place:
    match = _PICTURE.fullmatch(text)
    if match is None:
        return Place(text=text, expression=feel.compile(text, scope))
    what, inner = match["what"], match["text"].strip()
    width = int(match["width"] or USUAL_WIDTH[what])
    return Place(text=inner, expression=feel.compile(inner, scope), picture=what, width=max(5, min(width, 180)))


def _repeat(place: Any, scope: feel.Scope, problems: list[InputProblem]) -> Repeat:
    name, inner = place
    expression = feel.compile(name, scope)
    kind = expression.type
    item = kind.element if isinstance(kind, feel.ListType) else None
    if not isinstance(item, feel.ContextType):
        problems.append(InputProblem(pointer="", code="document.unknown_rows", params={"found": name}))
        return Repeat(name=name, expression=expression, places=())
    below = scope.extended({**item.fields, "row": feel.NUMBER})
    return Repeat(name=name, expression=expression, places=_compiled(inner, below, problems))


def _refused(code: str, params: Mapping[str, Any]) -> InputError:
    return InputError([InputProblem(pointer="", code=code, params=params)])
