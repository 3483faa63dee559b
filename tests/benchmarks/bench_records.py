"""Requests a second of the HTTP API against Flask and SQLAlchemy Core written by hand, under the same server.

Ours goes through token, rights with a row condition, validation, formulas, history, events and a rule. Both are served
by the product's WSGI server in processes of their own, over SQLite files of the same tables and indexes (WAL,
synchronous FULL). ``…_cpu``: requests for each second of processor time that the server used, which a busy machine
blurs less; ``…_p99``: what one request in a hundred waits longer than, among eight clients.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from operator import attrgetter
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from uuid import UUID

import sqlalchemy as sa

from tests.benchmarks.harness import Measurement
from tests.benchmarks.serving import Server, http, run_clients, server
from tests.benchmarks.trading import Trade, entered, fill, trade

ROWS = 100_000
API = "/api/v1/apps/trade/forms/order/records"
EIGHT = 8


@dataclass(kw_only=True)
class Pair:
    """Both servers over copies of one database."""

    found: Trade
    ours: Server
    bare: Server
    ids: Sequence[UUID]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def creates(self, ours: bool, number: int) -> list[bytes]:
        """``number`` new orders as requests."""
        token, path = (self.found.token, API) if ours else ("", "/orders")
        customers = self.found.customers
        made = [entered(n, customers[n % len(customers)]) for n in (next(self.numbers) for _ in range(number))]
        return [http("POST", path, token=token, data=values) for values in made]

    def reads(self, ours: bool, number: int) -> list[bytes]:
        """``number`` single orders as requests."""
        token, path = (self.found.token, API) if ours else ("", "/orders")
        keys = [self.ids[next(self.numbers) * 7919 % len(self.ids)] for _ in range(number)]
        return [http("GET", f"{path}/{key}", token=token) for key in keys]

    def lists(self, ours: bool, number: int) -> list[bytes]:
        """The first page of the open orders that the seller may see, the latest due first."""
        if ours:
            return [http("GET", f"{API}?view=open&limit=20", token=self.found.token)] * number
        return [http("GET", "/orders")] * number


@contextmanager
def pair() -> Iterator[Pair]:
    """A hundred thousand orders behind both servers."""
    with TemporaryDirectory() as folder, trade(f"sqlite:///{folder}/ours.db") as found:
        fill(found, ROWS)
        table = found.form("trade.order").table
        with found.workspace.database.read() as connection:
            seen = sa.select(table.c.id).where(table.c.owner == found.person)
            ids = list(connection.execute(seen.limit(5000)).scalars())
        # The last connection that closes brings the file up to date.
        found.workspace.close()
        shutil.copy(f"{folder}/ours.db", f"{folder}/bare.db")
        hand = ("bare", f"{folder}/bare.db", table.name, found.department.hex, found.person.hex)
        with server("product", f"sqlite:///{folder}/ours.db") as ours, server(*hand) as bare:
            yield Pair(found=found, ours=ours, bare=bare, ids=ids)


Batch = Callable[[bool, int], list[bytes]]
ROUNDS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one server did in one round."""

    # Requests for each second of wall time, and of the server's processor time.
    rate: float
    cpu_rate: float
    # Seconds of each request.
    taken: Sequence[float]


def rounds(both: Pair, batch: Batch, *, number: int, clients: int, status: int) -> tuple[list[Round], list[Round]]:
    """Both servers in turn, after a round each that is not counted; ``number`` requests of each client a round."""
    found: tuple[list[Round], list[Round]] = ([], [])
    for counted in (False, *(True,) * ROUNDS):
        for side, which in enumerate((both.ours, both.bare)):
            batches = [batch(side == 0, number) for _ in range(clients)]
            cpu, start = which.cpu_seconds(), time.perf_counter()
            taken = run_clients(which.port, batches, status)
            seconds, used = time.perf_counter() - start, which.cpu_seconds() - cpu
            if counted:
                total = number * clients
                found[side].append(Round(rate=total / seconds, cpu_rate=total / used, taken=taken))
    return found


def compare(
    name: str, both: Pair, batch: Batch, *, number: int, clients: int = 1, status: int = 200
) -> Iterator[Measurement]:
    """Rates by wall time and by processor time; where clients compete also the 99th percentile of their waiting."""
    ours, bare = rounds(both, batch, number=number, clients=clients, status=status)
    for suffix, of in (("", attrgetter("rate")), ("_cpu", attrgetter("cpu_rate"))):
        mine, theirs = median(map(of, ours)), median(map(of, bare))
        yield Measurement(
            name=f"records.{name}{suffix}/bare", ours=mine, reference=theirs, ratio=mine / theirs, unit="1/s"
        )
    if clients > 1:
        mine, theirs = (late([seconds for one in side for seconds in one.taken]) for side in (ours, bare))
        yield Measurement(name=f"records.{name}_p99/bare", ours=mine, reference=theirs, ratio=mine / theirs, unit="ms")


def late(seconds: Sequence[float]) -> float:
    """The 99th percentile in milliseconds."""
    return quantiles(seconds, n=100)[98] * 1e3


def measure() -> Iterator[Measurement]:
    """Creating, reading and listing, by one client and by eight."""
    with pair() as both:
        yield from compare("create", both, both.creates, number=100, status=201)
        yield from compare("read", both, both.reads, number=200)
        yield from compare("list", both, both.lists, number=50)
        yield from compare("create_eight", both, both.creates, number=25, clients=EIGHT, status=201)
        yield from compare("read_eight", both, both.reads, number=50, clients=EIGHT)
        yield from compare("list_eight", both, both.lists, number=10, clients=EIGHT)
