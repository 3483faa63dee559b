"""Webhooks that an app takes: which secret signs them, and what their body becomes: a message, or a process's start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engines import feel
from engines.core import DefinitionSource, Diagnostic, LocalizedText
from engines.core.diagnostics import did_you_mean
from engines.core.ports import Definitions
from engines.core.source import pointer_of

# What their expressions read: the JSON that was sent.
SCOPE = feel.Scope({"body": feel.ANY})


@dataclass(frozen=True)
class WebhookDefinition:
    """One webhook, at ``/api/hooks/<app>/<name>``."""

    name: str
    label: LocalizedText
    # Name of the secret that signs it; its value stands outside of the database.
    secret: str
    # Exactly one of both: the message that it becomes, or the process that it starts.
    message: str
    process: str
    # FEEL over ``body``: the key by which the message finds its instance, and variables by name.
    correlation: str
    values: Mapping[str, str]

    @cached_property
    def compiled(self) -> Mapping[str, Any]:
        """The expressions of the variables, and under "" that of the key."""
        texts = {**self.values, **({"": self.correlation} if self.correlation else {})}
        return {name: feel.compile(text, SCOPE) for name, text in texts.items()}


def webhook(data: Mapping[str, Any]) -> WebhookDefinition:
    """The definition that was written as ``data``."""
    return WebhookDefinition(
        name=data["name"],
        label=LocalizedText.of(data.get("label"), data["name"]),
        secret=data["secret"],
        message=data.get("message", ""),
        process=data.get("process", ""),
        correlation=data.get("correlation", ""),
        values=dict(data.get("values", {})),
    )


def webhook_problems(
    hooks: tuple[WebhookDefinition, ...], source: DefinitionSource, definitions: Definitions
) -> Iterator[Diagnostic]:
    """Processes that are not there, expressions that cannot be, two webhooks of one name."""
    known = definitions.names("process")
    for index, hook in enumerate(hooks):
        at = pointer_of("webhooks", index)
        if hook.process and definitions.get("process", hook.process) is None:
            hint = did_you_mean(hook.process, known)
            found = Diagnostic(code="app.unknown_process", found=hook.process, expected="a process", hint=hint)
            yield found.at(source.place(f"{at}/process"))
        if hook.name in [other.name for other in hooks[:index]]:
            yield Diagnostic(code="app.webhook_twice", found=hook.name, expected="another name").at(
                source.place(f"{at}/name")
            )
        texts = {"correlation": hook.correlation, **{f"values/{n}": t for n, t in hook.values.items()}}
        for place, text in texts.items():
            for problem in feel.check(text, SCOPE) if text else ():
                yield problem.at(source.place(f"{at}/{place}"))
