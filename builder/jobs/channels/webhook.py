"""Webhooks and other HTTP calls that people configure: never into our own network (server-side request forgery)."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from builder.jobs.delivery import Undeliverable
from builder.jobs.ports import Effect
from engines.core import ExternalError

# (host, port) -> addresses
Resolver = Callable[[str, int], list[str]]
# Answers that a later attempt may mend; other 4xx are final.
RETRIED = frozenset({408, 409, 425, 429})
ANSWER_BYTES = 64 * 1024
TRANSLATED = tuple(ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """What calls may reach."""

    # Hosts or networks ("10.1.0.0/16", "hooks.internal") that may be called although they are private.
    allowed_private: tuple[str, ...] = ()
    # Plain http is refused unless set.
    allow_http: bool = False
    timeout_s: float = 10.0
    # Values by name that definitions may refer to without holding them.
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the receiver said."""

    status: int
    body: bytes


def resolve(host: str, port: int) -> list[str]:
    """All addresses of ``host``; ``ExternalError`` where it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ExternalError(f"{host}: {error}") from error
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def permitted_address(url: SplitResult, port: int, settings: WebhookSettings, resolver: Resolver) -> str:
    """The address to connect to; ``Undeliverable`` where any address of the host is private and not allowed.

    The connection is made to exactly this address, so that a second answer of the name server changes nothing.
    """
    host = url.hostname or ""
    addresses = resolver(host, port)
    for address in addresses:
        if not _is_public(address) and not _is_allowed(host, address, settings):
            raise Undeliverable(f"{host} leads to the private address {address}")
    return addresses[0]


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.split("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        # Addresses that carry an IPv4 address lead where that one leads (RFC 4291 §2.5.5.2, 3056, 4380, 6052).
        if any(parsed in network for network in TRANSLATED):
            return False
        if parsed.ipv4_mapped is not None:
            return _is_public(str(parsed.ipv4_mapped))
    return parsed.is_global and not parsed.is_multicast


def _is_allowed(host: str, address: str, settings: WebhookSettings) -> bool:
    for entry in settings.allowed_private:
        if entry == host:
            return True
        try:
            if ipaddress.ip_address(address) in ipaddress.ip_network(entry):
                return True
        except ValueError:
            continue
    return False


class _PinnedConnection(http.client.HTTPConnection):
    """Connects to a checked address and speaks to it under the URL's host name."""

    def __init__(self, url: SplitResult, address: str, port: int, timeout_s: float) -> None:
        super().__init__(url.hostname or "", port, timeout=timeout_s)
        self._address = address
        self._tls = url.scheme == "https"

    def connect(self) -> None:
        """Opens the connection."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._tls:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def call(
    method: str,
    address: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    settings: WebhookSettings,
    resolver: Resolver = resolve,
) -> Answer:
    """The answer to one HTTP call, without following redirects; ``Undeliverable`` where it may not be made.

    ``ExternalError``: connection, timeout or TLS failed. The body of the answer is cut at 64 KiB.
    """
    url = urlsplit(address)
    if url.scheme not in ("https", "http") or not url.hostname or (url.scheme == "http" and not settings.allow_http):
        raise Undeliverable(f"the address must begin with https://: {address[:200]}")
    try:
        port = url.port or (443 if url.scheme == "https" else 80)
    except ValueError as error:
        raise Undeliverable(str(error)) from error
    connection = _PinnedConnection(url, permitted_address(url, port, settings, resolver), port, settings.timeout_s)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.request(method, path, body=body or None, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(status=response.status, body=response.read(ANSWER_BYTES))
    except (OSError, http.client.HTTPException) as error:
        raise ExternalError(f"{url.hostname}: {type(error).__name__}: {error}") from error
    except ValueError as error:
        # A line break in a header or the path.
        raise Undeliverable(str(error)) from error
    finally:
        connection.close()


def check_status(answer: Answer) -> None:
    """Raises for everything but 2xx: ``ExternalError`` where a later attempt may succeed, else ``Undeliverable``."""
    if 200 <= answer.status < 300:
        return
    temporary = answer.status >= 500 or answer.status in RETRIED
    raise (ExternalError if temporary else Undeliverable)(f"HTTP {answer.status}: {answer.body[:200]!r}")


class WebhookChannel:
    """Posts effects whose payload is ``{url, body, headers?, secret?}``; ``secret`` names the key that signs them."""

    def __init__(self, settings: WebhookSettings, resolver: Resolver = resolve) -> None:
        self._settings = settings
        self._resolver = resolver

    def ready(self) -> bool:
        """Always: each effect brings its own address."""
        return True

    def deliver(self, effect: Effect) -> None:
        """Posts JSON with ``Idempotency-Key`` and, where a secret is named, ``X-Signature: sha256=<hex>``."""
        body = json.dumps(effect.payload.get("body"), ensure_ascii=False, default=str).encode()
        headers = {
            **effect.payload.get("headers", {}),
            "Content-Type": "application/json",
            "Idempotency-Key": effect.key.encode("ascii", "backslashreplace").decode(),
            "User-Agent": "Dougong",
        }
        if name := effect.payload.get("secret"):
            headers["X-Signature"] = f"sha256={self._sign(name, body)}"
        check_status(
            call(
                "POST",
                effect.payload["url"],
                body=body,
                headers=headers,
                settings=self._settings,
                resolver=self._resolver,
            )
        )

    def _sign(self, name: str, body: bytes) -> str:
        secret = self._settings.secrets.get(name)
        if secret is None:
            raise Undeliverable(f'there is no secret "{name}"')
        return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
