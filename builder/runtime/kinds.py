"""Kinds of definitions that the runtime itself reads."""

from collections.abc import Mapping

from builder.runtime import calendars, texts
from engines.core import Kind

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (calendars.KIND, texts.KIND)}
