"""Answer links: somebody without an account answers a question, and the answer comes back to the process as a message.

A link is good for one answer. Opening it changes nothing; what is posted is taken once, in the transaction in which
the waiting process goes on. The token is 192 random bits, kept as a hash only: whoever did not get the mail has none.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from builder.messages import messages
from builder.runtime.mail_text import MailLink, html_mail, plain_mail
from builder.runtime.messenger import MAIL
from builder.runtime.recipients import Receivers
from builder.runtime.rules.running import message_rules
from builder.runtime.timeline import write_entry
from builder.storage.runtime_tables import answer_link as table
from engines.core import InputError, InputProblem, LocalizedText, StateConflict, new_id

if TYPE_CHECKING:
    from builder.runtime.around import Around

LIFE = timedelta(days=60)
MOST_COMMENT = 2_000
LANGUAGES = ("zh", "en")
YES_NO, SCORE = "yes_no", "score"
# What may be answered to each kind of question, as it stands in an address.
CHOICES: Mapping[str, Sequence[str]] = {YES_NO: ("yes", "no"), SCORE: tuple(map(str, range(11)))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a link asks."""

    id: UUID
    app: str
    # yes_no or score
    kind: str
    # By language.
    title: Mapping[str, str]
    # Record that it is about.
    subject: tuple[str, UUID] | None
    # Message that carries the answer; "" only records it.
    message: str
    # Instance of the process that asked; None where a rule asked about a record alone.
    instance: UUID | None
    expires_at: datetime
    answered_at: datetime | None

    @property
    def choices(self) -> Sequence[str]:
        """What may be answered."""
        return CHOICES[self.kind]


class Answers:
    """Questions to people outside, and what they answer; ``work.service("answers")``."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._work = around.work

    def ask(
        self,
        receivers: Receivers,
        *,
        app: str,
        kind: str,
        title: Mapping[str, str],
        body: Mapping[str, str],
        message: str = "",
        subject: tuple[str, UUID] | None = None,
        instance: UUID | None = None,
        channels: Sequence[str] = (),
        caused_by: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> None:
        """Sends each receiver a link of their own; ``InputError`` for an unknown kind of answer.

        ``instance``: the process to which the answer comes back, and to no other that waits about the same record.
        """
        if kind not in CHOICES:
            params = {"found": kind, "expected": sorted(CHOICES)}
            raise InputError([InputProblem(pointer="/answer", code="answer.unknown_kind", params=params)])
        everyone = [Receivers(people=(p,)) for p in receivers.people]
        everyone += [Receivers(addresses=(address,)) for address in receivers.addresses]
        for one in everyone:
            asked = {"app": app, "kind": kind, "title": dict(title), "message": message, "instance_id": instance}
            token = self._new_link(one, asked, subject)
            links = {code: self._links(kind, token, code) for code in _codes(title, body)}
            self._around.messenger.tell(
                one,
                app=app,
                title=title,
                body={c: plain_mail(_text(body, title, c), found) for c, found in links.items()},
                html={c: html_mail(_text(body, title, c), found, language=c) for c, found in links.items()},
                channels=list(channels) or [MAIL],
                subject=subject,
                caused_by=caused_by,
                key=f"{key}:{one.people or one.addresses}" if key else None,
            )

    def give(self, token: str, answer: str, comment: str = "") -> Question:
        """Takes the one answer of a link and hands it to whoever waits for it.

        ``StateConflict`` "answer.closed" for a link that is unknown, used or too old, or whose process has gone on;
        ``InputError`` for an answer that was not asked for. Either way nothing has changed.
        """
        question = find_question(self._work.connection, token)
        if question is None:
            raise StateConflict("answer.closed")
        value = _value(question, answer, comment)
        now = self._work.instant
        free = (table.c.id == question.id, table.c.answered_at.is_(None), table.c.expires_at > now)
        taken = sa.update(table).where(*free).values(answered_at=now, answer={"value": str(answer)})
        if self._work.connection.execute(taken).rowcount != 1:
            raise StateConflict("answer.closed")
        self._note(question, answer, comment.strip())
        if question.message:
            self._deliver(question, {"answer": value, "answer_comment": comment.strip() or None})
        return question

    def _new_link(self, receiver: Receivers, asked: Mapping[str, Any], subject: tuple[str, UUID] | None) -> str:
        token = secrets.token_urlsafe(24)
        row = {
            **asked,
            "id": new_id(),
            "token_hash": _hash(token),
            "recipient": str(receiver.people[0]) if receiver.people else receiver.addresses[0],
            "form": subject[0] if subject else None,
            "record_id": subject[1] if subject else None,
            "created_at": self._work.instant,
            "expires_at": self._work.instant + LIFE,
        }
        self._work.connection.execute(table.insert(), row)
        return token

    def _links(self, kind: str, token: str, language: str) -> list[MailLink]:
        address = f"{self._work.workspace.settings.address}/answer/{token}"
        if kind == YES_NO:
            return [
                MailLink(label=choice_label(choice, language), address=f"{address}?a={choice}")
                for choice in CHOICES[kind]
            ]
        return [MailLink(label=messages().text("answer.open", language), address=address)]

    def _note(self, question: Question, answer: str, comment: str) -> None:
        """The answer on the record's timeline."""
        if question.subject is None:
            return
        title = {}
        for language in LANGUAGES:
            params = {"question": LocalizedText(question.title).get(language), "answer": choice_label(answer, language)}
            title[language] = messages().text("answer.given", language, params)
        write_entry(self._work, *question.subject, kind="answer", title=title, data={"text": comment})

    def _deliver(self, question: Question, variables: Mapping[str, Any]) -> None:
        app, name = question.app, question.message
        taken = self._around.processes.message(
            app, name, variables=variables, subject=question.subject, instance=question.instance
        )
        if not taken and not message_rules(self._around, app, name):
            raise StateConflict("answer.closed")


def find_question(connection: Connection, token: str) -> Question | None:
    """The question behind a token, answered or not; None for a token that nobody was given."""
    row = connection.execute(sa.select(table).where(table.c.token_hash == _hash(token))).one_or_none()
    if row is None:
        return None
    return Question(
        id=row.id,
        app=row.app,
        kind=row.kind,
        title=row.title,
        subject=(row.form, row.record_id) if row.form else None,
        message=row.message,
        instance=row.instance_id,
        expires_at=row.expires_at,
        answered_at=row.answered_at,
    )


def choice_label(choice: str, language: str) -> str:
    """What an answer is called."""
    return messages().text(f"answer.{choice}", language) if choice in CHOICES[YES_NO] else choice


def _value(question: Question, answer: str, comment: str) -> bool | int:
    if answer not in question.choices:
        raise InputError([InputProblem(pointer="/answer", code="required")])
    if len(comment) > MOST_COMMENT:
        params = {"limit": MOST_COMMENT, "found": len(comment)}
        raise InputError([InputProblem(pointer="/comment", code="answer.too_long", params=params)])
    return answer == "yes" if question.kind == YES_NO else int(answer)


def _codes(title: Mapping[str, str], body: Mapping[str, str]) -> list[str]:
    return list(dict.fromkeys([*LANGUAGES, *(code for code in (*title, *body) if code)]))


def _text(body: Mapping[str, str], title: Mapping[str, str], language: str) -> str:
    return LocalizedText(body).get(language) or LocalizedText(title).get(language)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
