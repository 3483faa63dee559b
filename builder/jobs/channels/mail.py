"""Mail by SMTP. Without a configured server effects are held and can be read on the outbox page."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, make_msgid

from builder.jobs.delivery import Undeliverable
from builder.jobs.ports import Effect
from engines.core import ExternalError

# RFC 5321 §4.2.1: a first digit of 5 is a permanent negative answer.
PERMANENT = range(500, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """How mail leaves; an empty ``host`` means that none does."""

    host: str = ""
    port: int = 587
    user: str = ""
    password: str = ""
    # "starttls", "tls" (from the first byte) or "none"
    security: str = "starttls"
    sender: str = ""
    sender_name: str = "Dougong"
    timeout_s: float = 20.0


class MailChannel:
    """Sends effects whose payload is ``{to: [address], subject, text, html?, reply_to?}``."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def ready(self) -> bool:
        """Whether a server is configured."""
        return bool(self._settings.host)

    def deliver(self, effect: Effect) -> None:
        """Sends one mail to all its receivers; a refusal of every one of them is final."""
        message = self._message(effect)
        try:
            with self._connect() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            family = Undeliverable if all(code in PERMANENT for code in codes) else ExternalError
            raise family(f"receivers refused: {sorted(error.recipients)}") from error
        except smtplib.SMTPResponseException as error:
            raise ExternalError(f"SMTP {error.smtp_code}: {error.smtp_error!r}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise ExternalError(str(error)) from error

    def _message(self, effect: Effect) -> EmailMessage:
        settings, payload = self._settings, effect.payload
        if not payload.get("to"):
            raise Undeliverable("the mail has no receiver")
        message = EmailMessage(policy=SMTP)
        try:
            message["From"] = formataddr((settings.sender_name, settings.sender or settings.user))
            message["To"] = ", ".join(payload["to"])
            message["Subject"] = " ".join(str(payload["subject"]).split())
            if payload.get("reply_to"):
                message["Reply-To"] = payload["reply_to"]
        except ValueError as error:
            # A line break in an address: somebody tries to add headers.
            raise Undeliverable(str(error)) from error
        # The same id for every attempt, so that a receiver can drop a repetition (RFC 5322 §3.6.4).
        domain = (settings.sender or settings.user or "dougong.invalid").rpartition("@")[2]
        message["Message-ID"] = f"<{effect.id}@{domain}>" if domain else make_msgid()
        message.set_content(payload["text"])
        if payload.get("html"):
            message.add_alternative(payload["html"], subtype="html")
        return message

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        context = ssl.create_default_context()
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout_s, context=context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
            if settings.security == "starttls":
                server.starttls(context=context)
        if settings.user:
            server.login(settings.user, settings.password)
        return server
