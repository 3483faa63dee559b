"""Real servers in processes of their own, to be killed: ``dougong serve`` on a free port, and a client for its API."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

# What starts the program; a test may put another one in its place, for example with a clock that stands still.
PROGRAM = (sys.executable, "-m", "builder")
PATIENCE_S = 60.0
# What a server that is being killed does to a call.
BROKEN = (ConnectionError, http.client.HTTPException, TimeoutError)


class Server:
    """``dougong serve`` on one workspace; ends with the block, killed where it has not ended before."""

    def __init__(self, database: str, folder: Path, *, program: Sequence[str] = PROGRAM, port: int = 0) -> None:
        self.database = database
        self.port = port or free_port()
        self._folder = folder
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Starts the process and waits until it answers; fails with what it wrote where it ends before."""
        written = (self._folder / f"server-{self.port}.log").open("ab")
        command = [*self._program, "--database", self.database, "serve", "--port", str(self.port)]
        with written:
            self._process = subprocess.Popen(
                command, cwd=self._folder, env=self._environment(), stdout=written, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + PATIENCE_S
        pause = threading.Event()
        while not self._answers():
            assert self._process.poll() is None, f"the server has ended: {self.log()}"
            assert time.monotonic() < deadline, f"the server does not answer: {self.log()}"
            pause.wait(0.02)

    @property
    def pid(self) -> int:
        """The process's id; 0 while it does not run."""
        return self._process.pid if self._process is not None else 0

    def kill(self) -> None:
        """``kill -9``, and nothing else."""
        if self._process is not None:
            if self._process.poll() is None:
                os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def log(self) -> str:
        """Everything that the server has written, over all its lives."""
        return (self._folder / f"server-{self.port}.log").read_text("utf-8", "replace")

    def client(self, token: str) -> Client:
        """A client of the API with a connection of its own."""
        return Client(self.port, token)

    def _answers(self) -> bool:
        try:
            return Client(self.port, "").call("GET", "/healthz")[0] == 200
        except BROKEN:
            return False

    def _environment(self) -> dict[str, str]:
        root = str(Path(__file__).resolve().parents[1])
        return {**os.environ, "PYTHONPATH": root, "DOUGONG_FILES": str(self._folder / "files")}


class Client:
    """Calls the HTTP API; what the wire does stays visible to the test."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token

    def call(self, method: str, path: str, data: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of the answer; one of ``BROKEN`` where none came."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self._token:
            given["Authorization"] = f"Bearer {self._token}"
        try:
            body = None if data is None else json.dumps(data)
            connection.request(method, path, body, {"Content-Type": "application/json", **given})
            answer = connection.getresponse()
            text = answer.read().decode()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, json.loads(text) if is_json and text else text
        finally:
            connection.close()


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
