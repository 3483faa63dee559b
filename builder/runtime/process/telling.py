"""Tells people of their tasks outside the inbox, each with a link of their own, where the step says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from builder.messages import messages
from builder.runtime.mail_text import MailLink, html_mail, plain_mail
from builder.runtime.messenger import IN_APP
from builder.runtime.recipients import Receivers
from builder.runtime.task_links import link_address
from engines.core import LocalizedText

LANGUAGES = ("zh", "en")

if TYPE_CHECKING:
    from builder.runtime.around import Around
    from builder.runtime.process.instances import Instance
    from engines.process.definition import UserTaskDefinition


def tell_outside(
    around: Around,
    instance: Instance,
    step: UserTaskDefinition,
    people: Sequence[UUID],
    *,
    task: UUID,
    title: Mapping[str, str],
    text: str,
    key: str,
) -> None:
    """Queues a message to each of ``people`` over the step's channels; ``key`` names the cause, told once."""
    channels = [channel for channel in step.channels if channel != IN_APP]
    if not channels:
        return
    for person in dict.fromkeys(people):
        address = link_address(around.work, task, person)
        links = {code: _links(step, address, code) for code in LANGUAGES}
        words = {code: "\n\n".join(filter(None, [LocalizedText(title).get(code), text])) for code in LANGUAGES}
        around.messenger.tell(
            Receivers(people=(person,)),
            app=instance.app,
            title={code: _subject(LocalizedText(title).get(code), text) for code in LANGUAGES},
            body={code: plain_mail(words[code], links[code]) for code in LANGUAGES},
            html={code: html_mail(words[code], links[code], language=code) for code in LANGUAGES},
            channels=channels,
            kind="task",
            subject=instance.subject,
            caused_by={"kind": "process", "name": instance.process, "instance": str(instance.id)},
            key=f"{key}:{person}",
        )


def _subject(title: str, text: str) -> str:
    return f"{title}: {text}" if text else title


def _links(step: UserTaskDefinition, address: str, language: str) -> list[MailLink]:
    """A link for each outcome, which only chooses it beforehand, and one to look."""
    found: list[Any] = [
        MailLink(label=outcome.label.get(language) or outcome.name, address=f"{address}?o={outcome.name}")
        for outcome in step.outcomes
    ]
    return [*found, MailLink(label=messages().text("task.open", language), address=address)]
