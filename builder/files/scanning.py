"""The hook for virus scanners, and one that asks a ClamAV daemon."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from engines.core import ExternalError

_CHUNK = 64 * 1024
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a scanner says of a file."""

    clean: bool
    # Name of what was found.
    found: str = ""


class Scanner(Protocol):
    """Looks at a file before it is kept."""

    def scan(self, path: Path) -> Verdict:
        """The verdict; ``ExternalError`` where none could be had, and then the file is refused."""


class Clamd:
    """A ClamAV daemon, over TCP with its INSTREAM command (clamd(8), "COMMANDS")."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)

    def scan(self, path: Path) -> Verdict:
        """What the daemon answers."""
        try:
            answer = self._ask(path)
        except OSError as error:
            raise ExternalError(f"the virus scanner cannot be reached: {error}") from error
        if answer.endswith("OK"):
            return Verdict(clean=True)
        if answer.endswith("FOUND"):
            return Verdict(clean=False, found=answer.removesuffix("FOUND").partition(":")[2].strip())
        raise ExternalError(f"the virus scanner did not judge: {answer[:200]}")

    def _ask(self, path: Path) -> str:
        with socket.create_connection(self._address, _PATIENCE_S) as link, path.open("rb") as stream:
            link.sendall(b"zINSTREAM\0")
            while chunk := stream.read(_CHUNK):
                link.sendall(struct.pack("!I", len(chunk)) + chunk)
            link.sendall(struct.pack("!I", 0))
            parts = []
            while part := link.recv(4096):
                parts.append(part)
        return b"".join(parts).decode("utf-8", "replace").strip("\0 \n")


def scanner_for(url: str) -> Scanner | None:
    """The scanner that the setting names; None where it is empty, ``ValueError`` for one that is not known."""
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme != "clamd" or not parts.hostname:
        raise ValueError(f"no such virus scanner: {url!r}; expected clamd://host:port")
    return Clamd(parts.hostname, parts.port or 3310)
