"""Servers in processes of their own, and clients that cost next to nothing: what is measured is the server.

``python -m tests.benchmarks.serving product URL`` and ``… bare FILE TABLE DEPARTMENT OWNER`` serve, having told their
port.
"""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

THREADS = 8


class Server:
    """A server process that has begun to answer."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.port = port

    def cpu_seconds(self) -> float:
        """Processor time that its threads have used so far."""
        tasks = Path(f"/proc/{self._process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9

    def stop(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.wait(10)


@contextmanager
def server(*arguments: str) -> Iterator[Server]:
    """A server in a process of its own, ended after the block."""
    command = [sys.executable, "-m", "tests.benchmarks.serving", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    found = Server(process, int(process.stdout.readline()))
    try:
        yield found
    finally:
        found.stop()
        process.stdout.close()


class Client:
    """One connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        self._socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        start = head.lower().index(b"content-length:") + 15
        length = int(head[start:].split(b"\r\n", 1)[0])
        while len(body) < length:
            body += self._more()
        return int(head[9:12]), body

    def _more(self) -> bytes:
        part = self._socket.recv(65536)
        if not part:
            raise ConnectionError("the server closed the connection")
        return part

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def http(method: str, path: str, *, token: str = "", data: Any = None) -> bytes:
    """The bytes of a request."""
    body = b"" if data is None else json.dumps(data, ensure_ascii=False).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += ["Content-Type: application/json"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def run_clients(port: int, batches: Sequence[Sequence[bytes]], expected: int) -> list[float]:
    """Seconds that each request took, of as many clients at once as there are batches; all must be answered well."""
    taken: list[list[float]] = [[] for _ in batches]
    failures: list[str] = []

    def work(place: int) -> None:
        with Client(port) as client:
            for request in batches[place]:
                start = time.perf_counter()
                status, body = client.call(request)
                taken[place].append(time.perf_counter() - start)
                if status != expected:
                    failures.append(f"{status} {body[:300]!r}")
                    return

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures or len([t for part in taken for t in part]) != sum(map(len, batches)):
        raise AssertionError(failures[:1] or "a client failed")
    return [seconds for part in taken for seconds in part]


def serve(app: Any) -> None:
    """Serves an application as the product is served, and prints its port."""
    from builder.web.app import LARGEST_REQUEST
    from builder.web.serve import make_server
    from tests.benchmarks.trading import settings_of

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    found = make_server(app, replace(settings_of("sqlite://"), port=0, threads=THREADS))
    print(found.effective_port, flush=True)
    found.run()


def product(url: str) -> Any:
    """The product over the workspace at ``url``."""
    from builder.web.app import create_app
    from builder.workspace import Workspace
    from tests.benchmarks.trading import settings_of

    return create_app(Workspace.open(settings_of(url)))


def bare(file: str, table: str, department: str, owner: str) -> Any:
    """The application written by hand."""
    from tests.benchmarks.bare import create_bare

    return create_bare(Path(file), table, department, owner)


if __name__ == "__main__":
    serve({"product": product, "bare": bare}[sys.argv[1]](*sys.argv[2:]))
