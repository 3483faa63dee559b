"""Makes a workspace run: what each command offers, what jobs do, where effects go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from builder.definitions.offers import plugged_channels
from builder.jobs.channels import MailChannel, MailSettings, WebhookChannel, WebhookSettings
from builder.jobs.embedded import EmbeddedRunner
from builder.jobs.ports import Channel, JobRunner, Patience
from builder.runtime import moving
from builder.runtime.answers import Answers
from builder.runtime.around import Around
from builder.runtime.history.timeline import Timeline
from builder.runtime.history.why import Why
from builder.runtime.host import Handler, WorkspaceHost
from builder.runtime.inbox import Inbox
from builder.runtime.notifications import Notifications
from builder.runtime.process import jobs as process_jobs
from builder.runtime.process.kept import KeptInstances
from builder.runtime.process.migrating import Migrations
from builder.runtime.process.processes import Processes
from builder.runtime.process.services import Service, built_in
from builder.runtime.rounds import Listener, Rounds
from builder.runtime.rules import jobs as rule_jobs
from builder.runtime.rules.scoring import Scoring
from engines.core import Registry

if TYPE_CHECKING:
    from builder.workspace.settings import Settings
    from builder.workspace.work import Work
    from builder.workspace.workspace import Workspace


def install(
    workspace: Workspace, *, services: Registry[Service] | None = None, listeners: Sequence[Listener] = ()
) -> None:
    """Registers everything that a ``Work`` of this workspace offers."""
    known = services or built_in()
    kept = KeptInstances()

    def around(work: Work) -> Around:
        return Around(work, known, listeners)

    makers: Mapping[str, Any] = {
        "around": around,
        "rounds": lambda work: Rounds(work.service("around")),
        "processes": lambda work: Processes(work.service("around"), kept),
        "migrations": lambda work: Migrations(work.service("around")),
        "inbox": Inbox,
        "answers": lambda work: Answers(work.service("around")),
        "notifications": Notifications,
        "scoring": lambda work: Scoring(work.service("around")),
        "timeline": lambda work: Timeline(work.service("around")),
        "why": lambda work: Why(work.service("around")),
        "process_services": lambda work: known,
    }
    for name, make in makers.items():
        workspace.services.register(name, make, replace=True)


def handlers(services: Registry[Service]) -> Registry[Handler]:
    """What each kind of job does."""
    # Imported here: imports stand on the runtime.
    from builder.imports.sheets import working as imports
    from builder.lists import bulk_working

    found: Registry[Handler] = Registry("kind of job")
    process_jobs.register(found, services)
    rule_jobs.register(found)
    found.register(moving.JOB, Handler(act=moving.perform))
    imports.register(found)
    bulk_working.register(found)
    # The releases stand on the runtime; only here, where jobs are put together, is it the other way round.
    from builder.releases import following

    following.register(found)
    return found


def host(workspace: Workspace, services: Registry[Service] | None = None) -> WorkspaceHost:
    """The workspace as job runners see it."""
    return WorkspaceHost(workspace, handlers(services or built_in()), follow=rule_jobs.follow_release)


def channels(settings: Settings) -> dict[str, Channel]:
    """The ways out that the settings open, those of installed packages among them."""
    plugged = {found.name: found.load()(settings) for found in plugged_channels()}
    own = {"mail": MailChannel(mail_settings(settings)), "webhook": WebhookChannel(webhook_settings(settings))}
    return {**plugged, **own}


def embedded_runner(workspace: Workspace, *, patience: Patience | None = None) -> EmbeddedRunner:
    """The runner of a server process; ``start`` and ``stop`` it with the server."""
    runner = EmbeddedRunner(
        host(workspace),
        channels(workspace.settings),
        patience=patience,
        workers=workspace.settings.runner_threads,
    )
    workspace.when_due(runner.wake)
    return runner


def worker_runner(workspace: Workspace, *, patience: Patience | None = None) -> JobRunner:
    """The runner of a worker process beside any number of servers and other workers; PostgreSQL only."""
    # Imported here: only workers need Procrastinate.
    from builder.jobs.distributed import DistributedRunner
    from builder.storage.database import PostgresDatabase

    database = workspace.database
    if not isinstance(database, PostgresDatabase):
        raise ValueError("workers need PostgreSQL")
    runner = DistributedRunner(
        host(workspace),
        channels(workspace.settings),
        url=database.url,
        workspace=database.schema,
        patience=patience,
        workers=workspace.settings.runner_threads,
    )
    workspace.when_due(runner.wake)
    return runner


def mail_settings(settings: Settings) -> MailSettings:
    """How mail leaves: ``smtp://user:password@host:port``, ``smtps://`` for TLS from the first byte."""
    if not settings.smtp_url:
        return MailSettings()
    url = urlsplit(settings.smtp_url)
    security = "tls" if url.scheme == "smtps" else "none" if url.hostname in ("localhost", "127.0.0.1") else "starttls"
    return MailSettings(
        host=url.hostname or "",
        port=url.port or (465 if security == "tls" else 587),
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        security=security,
        sender=settings.mail_from,
    )


def webhook_settings(settings: Settings) -> WebhookSettings:
    """What calls may reach: public hosts, and the private ones that are named."""
    hosts = tuple(h.strip() for h in settings.webhook_hosts.split(",") if h.strip())
    return WebhookSettings(allowed_private=hosts, secrets=settings.secrets())
