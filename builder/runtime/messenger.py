"""Tells people something: in-app at once, by mail and other channels through the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from builder.jobs import outbox
from builder.runtime.notifications import Notifications
from builder.runtime.recipients import Receivers, contacts
from builder.runtime.texts import Texts
from builder.workspace.work import Work
from engines.core import LocalizedText, new_id

IN_APP, MAIL = "in_app", "mail"
LEVELS: Mapping[str, str] = {"": "info", "low": "info", "normal": "info", "high": "alert"}


class Messenger:
    """Messages of one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def tell(
        self,
        receivers: Receivers,
        *,
        app: str,
        title: Texts,
        body: Texts,
        channels: Sequence[str] = (),
        severity: str = "",
        kind: str = "rule",
        subject: tuple[str, UUID] | None = None,
        caused_by: Mapping[str, Any] | None = None,
        key: str | None = None,
        html: Texts | None = None,
    ) -> None:
        """Writes notices and queues effects. Without ``channels`` people are told in-app and addresses by mail.

        ``html``: the body of mails for programs that show it. ``key`` names the cause: whoever was told of it before,
        over the same channel, is not told again.
        """
        ways = list(dict.fromkeys(channels)) or [IN_APP]
        common: dict[str, Any] = {"app": app, "title": title, "body": body, "subject": subject}
        if IN_APP in ways:
            level = LEVELS.get(severity, severity)
            Notifications(self._work).send(receivers.people, kind=kind, severity=level, key=key, **common)
        if MAIL in ways or receivers.addresses:
            people = receivers.people if MAIL in ways else ()
            both = Receivers(people=people, addresses=receivers.addresses)
            self._mail(both, html=html, caused_by=caused_by, key=key, **common)
        for channel in ways:
            if channel not in (IN_APP, MAIL):
                self._other(channel, receivers, caused_by=caused_by, key=key, **common)

    def _mail(
        self, receivers: Receivers, *, title: Texts, body: Texts, html: Texts | None, key: str | None, **common: Any
    ) -> None:
        """One mail to each receiver, in the language of the person."""
        known = contacts(self._work.connection, receivers.people)
        targets = [(found.email, found.locale) for found in known.values() if found.email]
        targets += [(address, self._work.principal.locale) for address in receivers.addresses]
        for address, locale in targets:
            payload = {
                "to": [address],
                "subject": LocalizedText(title).get(locale),
                "text": LocalizedText(body).get(locale) or LocalizedText(title).get(locale),
                **({"html": LocalizedText(html).get(locale)} if html else {}),
            }
            self.queue(MAIL, payload, key=f"{key}:{address}" if key else None, **common)

    def _other(
        self, channel: str, receivers: Receivers, *, title: Texts, body: Texts, key: str | None, **common: Any
    ) -> None:
        people = [str(person) for person in receivers.people]
        message = {"title": dict(title), "body": dict(body), "people": people, "addresses": list(receivers.addresses)}
        url = self._work.service("around").settings(common["app"]).get(f"{channel}_url", "")
        self.queue(channel, {"url": url, "body": message}, key=key, **common)

    def queue(
        self,
        channel: str,
        payload: Mapping[str, Any],
        *,
        app: str,
        key: str | None = None,
        subject: tuple[str, UUID] | None = None,
        caused_by: Mapping[str, Any] | None = None,
    ) -> bool:
        """Whether the effect is new; it leaves after this command's commit."""
        new = outbox.put(
            self._work.connection,
            channel=channel,
            key=f"{channel}:{key or new_id()}",
            payload=payload,
            app=app,
            subject=subject,
            caused_by=caused_by,
        )
        self._work.set_off["message"] += new
        return new
