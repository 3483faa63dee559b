"""Layers: what a customer changed in an installed app, over the untouched package."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from builder.definitions.documents import documents_of, flat_json, source_from
from builder.definitions.edits import Conflict, Edit, Op, apply_edits
from builder.definitions.kinds import Kinds
from builder.definitions.source import AppSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A package with a layer over it."""

    source: AppSource
    # Where the package and the layer changed the same place, for a reviewed merge.
    conflicts: tuple[Conflict, ...]


def fold(package: AppSource, layer: Sequence[Edit], kinds: Kinds | None = None) -> Folded:
    """The package with the layer's edits over it; both stay as they are."""
    if not layer:
        return Folded(source=package, conflicts=())
    documents, conflicts = apply_edits(documents_of(package), layer)
    return Folded(source=source_from(documents, kinds), conflicts=tuple(conflicts))


def condense(edits: Iterable[Edit]) -> list[Edit]:
    """The same result in fewer edits: of several values of one property the last stays, with the first base."""
    kept: list[Edit] = []
    for edit in edits:
        previous = next((i for i, k in enumerate(kept) if k.path == edit.path and _mergeable(k, edit)), None)
        if previous is None or _touched_between(kept[previous + 1 :], edit.path):
            kept.append(edit)
        elif (merged := _merged(kept[previous], edit)) is None:
            kept.pop(previous)
        else:
            kept[previous] = merged
    return kept


def layer_text(layer: Sequence[Edit]) -> str:
    """The layer as stored and exported: JSON, one edit a line."""
    return "[\n" + ",\n".join(flat_json(edit.to_json()) for edit in layer) + "\n]\n" if layer else "[]\n"


def layer_of(text: str) -> list[Edit]:
    """The layer that ``layer_text`` wrote."""
    return [Edit.from_json(item) for item in json.loads(text, parse_float=Decimal)]


def _mergeable(first: Edit, second: Edit) -> bool:
    return first.op in (Op.SET, Op.INSERT) and second.op in (Op.SET, Op.REMOVE)


def _touched_between(later: Sequence[Edit], path: str) -> bool:
    """Whether something inside or around ``path`` was edited since."""
    return any(k.path != path and (k.path.startswith(path + "/") or path.startswith(k.path + "/")) for k in later)


def _merged(first: Edit, second: Edit) -> Edit | None:
    """One edit for two of the same place; None where together they change nothing."""
    if second.op is Op.REMOVE:
        if first.op is Op.INSERT:
            return None
        return Edit(op=Op.REMOVE, path=first.path, base=first.base)
    if first.op is Op.SET and second.value == first.base:
        return None
    return Edit(op=first.op, path=first.path, value=second.value, base=first.base, after=first.after, file=first.file)
