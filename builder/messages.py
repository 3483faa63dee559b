"""The product's sentences: one catalogue over the messages of all engines and of ``builder``."""

from __future__ import annotations

from functools import cache
from importlib import resources

from engines.core import MessageCatalogue

_PACKAGES = (
    "engines.core",
    "engines.feel",
    "engines.form",
    "engines.process",
    "engines.rules",
    "engines.report",
    "builder.definitions",
    "builder.demo",
    "builder.documents",
    "builder.files",
    "builder.identity",
    "builder.imports",
    "builder.jobs",
    "builder.lists",
    "builder.rights",
    "builder.runtime",
    "builder.scenarios",
    "builder.web",
    "builder.workspace",
)


@cache
def messages() -> MessageCatalogue:
    """All sentences by code and language; read once, never changed."""
    return MessageCatalogue([name for name in _PACKAGES if (resources.files(name) / "messages").is_dir()])
