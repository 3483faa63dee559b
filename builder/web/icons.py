"""The icons of our own pages: 24 × 24, drawn as strokes in the colour of the text."""

from __future__ import annotations

import json
from pathlib import Path

from markupsafe import Markup

_PATHS: dict[str, str] = json.loads((Path(__file__).parent / "icons.json").read_text("utf-8"))


def icon(name: str, *, cls: str = "") -> Markup:
    """The icon as SVG, silent for screen readers: the text beside it, or the button's label, says what it means."""
    classes = f"icon {cls}".strip()
    return Markup('<svg class="{}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>').format(
        classes,
        Markup(_PATHS[name]),  # noqa: S704 - constants of this package
    )


# Three bracket arms on a block: the dougong that gives the product its name.
MARK = Markup(
    '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">'
    '<rect width="32" height="32" rx="8" fill="var(--brand)"/>'
    '<path d="M6 8h20v3.5H6zM9 13h4v3.5H9zM14 13h4v3.5h-4zM19 13h4v3.5h-4z'
    'M9 18h14v3H9zM13 22.5h6V26h-6z" fill="#fff"/></svg>'
)


def known() -> frozenset[str]:
    """Names of all icons."""
    return frozenset(_PATHS)
