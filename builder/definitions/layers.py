"""Layers: what a customer changed in an installed app, over the untouched package."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from builder.definitions.documents import Document, documents_of, flat_json, source_from
from builder.definitions.edits import MISSING, Conflict, Edit, Op, apply_edits
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
    """The same result in fewer edits: of several values of one property the last stays, with the first base.

    What was edited within something new is part of it; what was new and is gone again leaves nothing.
    """
    kept: list[Edit] = []
    for edit in edits:
        if _absorbed(kept, edit) or _dropped(kept, edit):
            continue
        previous = next((i for i in reversed(range(len(kept))) if kept[i].path == edit.path), None)
        if previous is None or not _mergeable(kept[previous], edit) or _touched_between(kept[previous + 1 :], edit):
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


def _absorbed(kept: list[Edit], edit: Edit) -> bool:
    """Whether ``edit`` was made within something that an earlier edit brought: then it is part of that now."""
    for index in reversed(range(len(kept))):
        new = kept[index]
        if new.path == edit.path or edit.path.startswith(f"{new.path}/"):
            if new.path == edit.path or not _is_new(new):
                return False
            holder = {"new": Document(file="new", data={"value": new.value}, written=None)}
            inner = replace(edit, path=f"new/value{edit.path[len(new.path) :]}")
            documents, conflicts = apply_edits(holder, [inner])
            if any(conflict.kind == "gone" for conflict in conflicts):
                return False
            kept[index] = replace(new, value=documents["new"].data["value"])
            return True
        if new.path.startswith(f"{edit.path}/"):
            return False
    return False


def _dropped(kept: list[Edit], edit: Edit) -> bool:
    """Whether ``edit`` takes away what an earlier edit brought: then nothing of it stays.

    Not where something was put behind it meanwhile, or around it: its place would be lost.
    """
    if edit.op is not Op.REMOVE:
        return False
    for index in reversed(range(len(kept))):
        earlier = kept[index]
        if earlier.path == edit.path and _is_new(earlier):
            kept[index:] = [item for item in kept[index + 1 :] if item.path != edit.path]
            return True
        around = edit.path.startswith(f"{earlier.path}/")
        if around or _is_behind(earlier, edit.path) or (earlier.path == edit.path and earlier.op is not Op.MOVE):
            return False
    return False


def _is_new(edit: Edit) -> bool:
    """Whether an edit brings a child or a definition that was not there."""
    return edit.op is Op.INSERT or (edit.op is Op.SET and edit.base is MISSING and bool(edit.file))


def _mergeable(first: Edit, second: Edit) -> bool:
    return first.op in (Op.SET, Op.INSERT) and second.op in (Op.SET, Op.REMOVE)


def _touched_between(later: Sequence[Edit], edit: Edit) -> bool:
    """Whether something inside or around an edit's place was edited since, or put behind what it takes away."""
    path = edit.path
    return any(
        (k.path != path and (k.path.startswith(path + "/") or path.startswith(k.path + "/")))
        or (edit.op is Op.REMOVE and _is_behind(k, path))
        for k in later
    )


def _is_behind(edit: Edit, path: str) -> bool:
    """Whether an edit puts its child behind the one at ``path``."""
    parent, _slash, name = path.rpartition("/")
    return edit.op in (Op.INSERT, Op.MOVE) and edit.after == name and edit.path.rpartition("/")[0] == parent


def _merged(first: Edit, second: Edit) -> Edit | None:
    """One edit for two of the same place; None where together they change nothing."""
    if second.op is Op.REMOVE:
        if first.op is Op.INSERT:
            return None
        return Edit(op=Op.REMOVE, path=first.path, base=first.base)
    if first.op is Op.SET and second.value == first.base:
        return None
    return Edit(op=first.op, path=first.path, value=second.value, base=first.base, after=first.after, file=first.file)
