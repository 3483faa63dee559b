"""Ways out: mail and webhooks over real sockets, what they refuse, how often they try."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from builder.jobs import outbox
from builder.jobs.channels import MailChannel, MailSettings, WebhookChannel, WebhookSettings
from builder.jobs.delivery import Delivery, Undeliverable
from builder.jobs.ports import Effect, Patience
from builder.storage.runtime_tables import effect as table
from engines.core import ExternalError, new_id
from tests.builder.runtime.hosts import Host, fresh_database

LOCAL = WebhookSettings(allow_http=True, allowed_private=("127.0.0.0/8",), secrets={"hook": "s3cret"})


def effect(payload: dict[str, Any], channel: str = "webhook") -> Effect:
    return Effect(id=new_id(), channel=channel, key="k-1", app="shop", payload=payload, fence=1, attempts=1)


@contextmanager
def web_server(status: int) -> Iterator[tuple[str, list[Any]]]:
    """A server that answers with ``status`` and keeps what it was sent."""
    seen: list[Any] = []

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, dict(self.headers), body))
            self.send_response(status)
            self.send_header("Location", "http://169.254.169.254/")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_webhook_carries_its_key_and_a_signature() -> None:
    with web_server(200) as (url, seen):
        WebhookChannel(LOCAL).deliver(effect({"url": f"{url}/in?a=1", "body": {"n": "灯"}, "secret": "hook"}))
    ((path, headers, body),) = seen
    assert path == "/in?a=1"
    assert json.loads(body) == {"n": "灯"}
    assert headers["Idempotency-Key"] == "k-1"
    assert headers["X-Signature"] == "sha256=" + _signed(body)


def _signed(body: bytes) -> str:
    import hashlib
    import hmac

    return hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(("status", "final"), [(302, True), (404, True), (429, False), (503, False)])
def test_answers_say_whether_to_try_again_and_redirects_are_not_followed(status: int, final: bool) -> None:
    with web_server(status) as (url, seen), pytest.raises(ExternalError) as caught:
        WebhookChannel(LOCAL).deliver(effect({"url": url, "body": {}}))
    assert isinstance(caught.value, Undeliverable) is final
    assert len(seen) == 1


PRIVATE = [
    "127.0.0.1",
    "10.0.0.8",
    "192.168.1.1",
    "172.16.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104
    "224.0.0.1",
    "::1",
    "fe80::1",
    "fc00::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_into_a_private_network_is_refused(address: str) -> None:
    channel = WebhookChannel(WebhookSettings(), resolver=lambda host, port: ["93.184.215.14", address])
    with pytest.raises(Undeliverable, match="private address"):
        channel.deliver(effect({"url": "https://example.com/hook", "body": {}}))


BAD_ADDRESSES = ["http://example.com/", "file:///etc/passwd", "https:///x", "https://example.com:99999/", "gopher://a/"]


@pytest.mark.parametrize("url", BAD_ADDRESSES)
def test_an_address_that_is_no_https_address_is_refused(url: str) -> None:
    with pytest.raises(Undeliverable):
        WebhookChannel(WebhookSettings(), resolver=lambda h, p: ["93.184.215.14"]).deliver(effect({"url": url}))


def test_headers_cannot_be_smuggled_in() -> None:
    with web_server(200) as (url, seen), pytest.raises(Undeliverable):
        WebhookChannel(LOCAL).deliver(effect({"url": url, "body": {}, "headers": {"X": "a\r\nY: b"}}))
    assert seen == []


@contextmanager
def mail_server(answer_to_rcpt: bytes = b"250 ok") -> Iterator[tuple[int, list[bytes]]]:
    """A server that speaks just enough SMTP for one mail."""
    mails: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 test\r\n")
            for line in lines:
                word = line[:4].upper().strip()
                if word == b"DATA":
                    connection.sendall(b"354 go\r\n")
                    content = b""
                    while not content.endswith(b"\r\n.\r\n"):
                        content += lines.readline()
                    mails.append(content)
                    connection.sendall(b"250 taken\r\n")
                elif word == b"RCPT":
                    connection.sendall(answer_to_rcpt + b"\r\n")
                elif word == b"QUIT":
                    connection.sendall(b"221 bye\r\n")
                    return
                else:
                    connection.sendall(b"250 ok\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], mails
    finally:
        thread.join(10)
        listener.close()


def mail(port: int) -> MailChannel:
    return MailChannel(MailSettings(host="127.0.0.1", port=port, security="none", sender="app@example.com"))


def test_a_mail_is_sent_with_a_message_id_of_its_own() -> None:
    wanted = effect({"to": ["a@example.com"], "subject": "你好", "text": "内容"}, "mail")
    with mail_server() as (port, mails):
        mail(port).deliver(wanted)
    assert f"Message-ID: <{wanted.id}@example.com>".encode() in mails[0]


@pytest.mark.parametrize(("answer", "final"), [(b"550 no such user", True), (b"451 later", False)])
def test_a_refused_receiver_is_final_only_where_the_server_says_so(answer: bytes, final: bool) -> None:
    with mail_server(answer) as (port, _), pytest.raises(ExternalError) as caught:
        mail(port).deliver(effect({"to": ["a@example.com"], "subject": "x", "text": "y"}, "mail"))
    assert isinstance(caught.value, Undeliverable) is final


def test_a_line_break_in_an_address_is_refused() -> None:
    with pytest.raises(Undeliverable):
        mail(1).deliver(effect({"to": ["a@example.com\r\nBcc: b@example.com"], "subject": "x", "text": "y"}, "mail"))


# ------------------------------------------------------------------------------------------------ the outbox worker


class Flaky:
    """A channel that fails as told, then succeeds."""

    def __init__(self, *outcomes: Exception | None, ready: bool = True) -> None:
        self.outcomes = list(outcomes)
        self.is_ready = ready
        self.delivered: list[str] = []

    def ready(self) -> bool:
        return self.is_ready

    def deliver(self, effect: Effect) -> None:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        self.delivered.append(effect.key)


@pytest.fixture(params=["sqlite", "postgresql"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    with fresh_database(request.param, tmp_path) as database:
        yield Host(database)


def run(host: Host, channel: Flaky, rounds: int = 10) -> list[tuple[str, int, str | None]]:
    """Delivers until nothing is due, and tells state, attempts and last error of all effects."""
    worker = Delivery(host, {"test": channel}, Patience(backoff_s=(0, 0)))
    for _ in range(rounds):
        for claimed in worker.claim(10):
            worker.deliver(claimed)
    with host.read() as connection:
        rows = connection.execute(sa.select(table.c.state, table.c.attempts, table.c.last_error).order_by(table.c.id))
        return [tuple(row) for row in rows]


def put(host: Host, key: str = "k") -> bool:
    with host.begin() as connection:
        return outbox.put(connection, channel="test", key=key, payload={"a": "b"})


def test_an_effect_is_tried_until_it_succeeds(host: Host) -> None:
    put(host)
    channel = Flaky(ExternalError("busy"), ValueError("a fault of the channel"))
    assert run(host, channel) == [("sent", 3, None)]
    assert channel.delivered == ["k"]


def test_an_effect_is_given_up_visibly_and_can_be_tried_again(host: Host) -> None:
    put(host)
    channel = Flaky(*[ExternalError("down")] * 3)
    assert run(host, channel) == [("dead", 3, "ExternalError: down")]
    with host.begin() as connection:
        ids = list(connection.execute(sa.select(table.c.id)).scalars())
        assert outbox.retry(connection, ids) == 1
    assert run(host, channel)[0][0] == "sent"


def test_what_can_never_be_delivered_is_not_tried_again(host: Host) -> None:
    put(host)
    assert run(host, Flaky(Undeliverable("no such address"))) == [("dead", 1, "Undeliverable: no such address")]


def test_effects_of_a_channel_that_is_not_set_up_wait_and_go_when_it_is(host: Host) -> None:
    put(host)
    channel = Flaky(ready=False)
    assert run(host, channel) == [("held", 0, "outbox.not_configured")]
    channel.is_ready = True
    with host.begin() as connection:
        assert outbox.release_held(connection, "test") == 1
    assert run(host, channel) == [("sent", 1, None)]
    assert channel.delivered == ["k"]


def test_the_same_key_is_queued_once(host: Host) -> None:
    assert [put(host), put(host), put(host, "other")] == [True, False, True]
