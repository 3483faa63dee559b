"""Lengths of time for people."""

from builder.web.context import _


def span(seconds: float) -> str:
    """A length of time in its two largest units, short enough for a drawing."""
    left = round(seconds)
    parts = []
    for size, unit in ((86_400, _("d")), (3_600, _("h")), (60, _("min")), (1, _("s"))):
        if left >= size and len(parts) < 2:
            parts.append(f"{left // size} {unit}")
        left %= size
    return " ".join(parts) or f"0 {_('s')}"
