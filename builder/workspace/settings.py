"""What a process is told at its start: one frozen value made from declared entries, handed down, never looked up."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self, get_type_hints

from engines.core import DougongError

PREFIX = "DOUGONG_"


class SettingsError(DougongError):
    """A setting has a value that cannot be read; says which, and what would be right."""

    code = "settings.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a process; each can be given as an environment variable ``DOUGONG_<NAME>``."""

    database: Annotated[
        str,
        "URL of the workspace's database: sqlite:///path/to/file.db or "
        "postgresql+psycopg://user:password@host/database?schema=name.",
    ] = "sqlite:///var/dougong.db"
    files: Annotated[Path, "Folder for attachments and backups, outside every web root."] = Path("var/files")
    file_store: Annotated[
        str,
        "Where attachments are kept: empty for the folder of files, else a URL that fsspec knows, such as "
        "s3://bucket/prefix (install dougong[s3]; the driver reads its own variables for credentials and endpoint).",
    ] = ""
    file_max_mb: Annotated[int, "Largest file that can be uploaded, in MB."] = 50
    file_quota_mb: Annotated[int, "Room for all files of a workspace, in MB; 0: no limit."] = 0
    virus_scanner: Annotated[
        str, "What looks at every upload before it is kept: clamd://host:port of a ClamAV daemon; empty: nothing."
    ] = ""
    host: Annotated[str, "Address the web server listens on."] = "127.0.0.1"
    port: Annotated[int, "Port the web server listens on."] = 8000
    threads: Annotated[int, "Threads that answer requests in one server process."] = 8
    public_url: Annotated[
        str,
        "Address people reach the server at, used in mails and for secure cookies; empty: as requested, and in mails "
        "http://<host>:<port>.",
    ] = ""
    proxies: Annotated[int, "How many trusted proxies stand in front; 0: forwarded headers are ignored."] = 0
    zone: Annotated[str, "Time zone of a new workspace, as in the IANA database."] = "Asia/Shanghai"
    locale: Annotated[str, "Language of a new workspace: zh or en."] = "zh"
    pool_size: Annotated[int, "Database connections kept open per process."] = 8
    lock_timeout_s: Annotated[float, "Seconds a writer waits for its turn before it gives up."] = 30.0
    runner: Annotated[
        str,
        "What executes timers and effects: embedded (threads of the server), distributed (dougong worker) or none.",
    ] = "embedded"
    runner_threads: Annotated[int, "Threads of the embedded runner."] = 2
    smtp_url: Annotated[
        str,
        "Mail server as smtp://user:password@host:port (smtps:// for TLS from the start); empty: mails stay "
        "in the outbox.",
    ] = ""
    mail_from: Annotated[str, "Sender of mails."] = "dougong@localhost"
    session_hours: Annotated[float, "Hours after which a session that was not used ends."] = 12.0
    session_days: Annotated[float, "Days after which a session ends in any case."] = 7.0
    argon2_memory_kib: Annotated[int, "Memory that hashing one password takes, in KiB."] = 65536
    log_level: Annotated[str, "Least severity that is logged: debug, info, warning or error."] = "info"
    log_format: Annotated[str, "How logs are written: json (one object a line) or text (for people)."] = "json"
    secrets_file: Annotated[
        str,
        "JSON file with the values of secrets by name, which definitions only name: what signs webhooks, keys of "
        "services outside. It stands outside of the database and its backups; empty: there are none.",
    ] = ""
    webhook_hosts: Annotated[
        str,
        "Hosts in private networks that webhooks may call, separated by commas; public hosts are always allowed.",
    ] = ""

    @property
    def address(self) -> str:
        """Where people reach the server, without a slash at its end: what links in mails begin with."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    def secrets(self) -> Mapping[str, str]:
        """Values of secrets by name, as the file says them now; ``SettingsError`` where it cannot be read."""
        if not self.secrets_file:
            return {}
        try:
            data = json.loads(Path(self.secrets_file).read_text("utf-8"))
            return {str(name): str(value) for name, value in data.items()}
        except (OSError, ValueError, AttributeError) as error:
            raise SettingsError(f"DOUGONG_SECRETS_FILE={self.secrets_file!r}: {error}") from error

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **given: Any) -> Self:
        """Settings from ``DOUGONG_*`` variables; ``given`` ones win where not None.

        ``SettingsError`` names all variables that are unknown or cannot be read.
        """
        values = os.environ if environment is None else environment
        known = {PREFIX + f.name.upper(): f.name for f in dataclasses.fields(cls)}
        hints, read, wrong = get_type_hints(cls), {}, []
        for variable, name in known.items():
            if variable in values:
                try:
                    read[name] = _parse(values[variable], hints[name])
                except ValueError:
                    wrong.append(f"{variable}={values[variable]!r}: expected {hints[name].__name__}")
        unknown = sorted(
            v for v in values if v.startswith(PREFIX) and v not in known and not v.startswith(PREFIX + "TEST_")
        )
        wrong += [f"{variable}: no such setting; see docs/settings.md" for variable in unknown]
        if wrong:
            raise SettingsError("; ".join(wrong))
        return cls(**{**read, **{name: value for name, value in given.items() if value is not None}})


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingEntry:
    """One declared setting, for documentation and help."""

    name: str
    type: str
    default: Any
    help: str


def entries() -> list[SettingEntry]:
    """All settings in the order declared."""
    hints, plain = get_type_hints(Settings, include_extras=True), get_type_hints(Settings)
    return [
        SettingEntry(name=f.name, type=plain[f.name].__name__, default=f.default, help=hints[f.name].__metadata__[0])
        for f in dataclasses.fields(Settings)
    ]


def _parse(text: str, kind: type[Any]) -> Any:
    if kind is bool:
        if text.lower() not in ("1", "0", "true", "false", "yes", "no"):
            raise ValueError(text)
        return text.lower() in ("1", "true", "yes")
    return kind(text)
