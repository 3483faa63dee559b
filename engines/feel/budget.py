"""What a command may spend on evaluating expressions; one budget is shared by all of its evaluations."""

from __future__ import annotations

import time

from engines.core.errors import BudgetExceeded

_CHECK_EVERY = 500


class Budget:
    """Limits of one command. What is used up is taken off; running out raises ``BudgetExceeded``.

    ``seconds`` is processor time of the thread, so that a busy machine does not make a sound expression fail;
    ``wall_seconds`` bounds real time as the last resort. Sizes are in characters and list items.
    """

    __slots__ = (
        "_cpu", "_unchecked", "_wall", "depth", "is_running", "list_length", "range_length", "regex_length", "seconds",
        "size", "steps", "wall_seconds",
    )  # fmt: skip

    def __init__(
        self,
        *,
        steps: int = 200_000,
        size: int = 8_000_000,
        depth: int = 64,
        list_length: int = 100_000,
        range_length: int = 50_000,
        regex_length: int = 1_000,
        seconds: float = 0.04,
        wall_seconds: float = 2.0,
    ) -> None:
        # Loop rounds, list items touched and calls of functions.
        self.steps = steps
        # Characters of text and (times 8) items of lists made.
        self.size = size
        # Nested calls of functions.
        self.depth = depth
        # Items of one list.
        self.list_length = list_length
        # Items of one range that is iterated.
        self.range_length = range_length
        # Characters of one regular expression.
        self.regex_length = regex_length
        self.seconds = seconds
        self.wall_seconds = wall_seconds
        self._unchecked = 0
        self._cpu = 0.0
        self._wall = 0.0
        # Whether the clock of an evaluation runs.
        self.is_running = False

    def charge(self, steps: int) -> None:
        """Takes ``steps`` off, and looks at the clock now and then."""
        self.steps -= steps
        if self.steps < 0:
            raise BudgetExceeded("steps", "the command's")
        self._unchecked += steps
        if self._unchecked > _CHECK_EVERY:
            self._unchecked = 0
            self._check_clock()

    def charge_size(self, characters: int) -> None:
        """Takes the size of a new value off; every 20 characters cost a step as well."""
        self.size -= characters
        if self.size < 0:
            raise BudgetExceeded("characters", "the command's")
        self.charge(characters // 20)

    def check_list(self, length: int) -> None:
        """Charges a list of ``length`` items that is being made."""
        if length > self.list_length:
            raise BudgetExceeded("list items", self.list_length)
        self.charge_size(8 * length)

    def check_range(self, length: int) -> None:
        """Refuses a range of too many items; what iterates it charges them."""
        if length > self.range_length:
            raise BudgetExceeded("range items", self.range_length)

    def _check_clock(self) -> None:
        cpu, wall = time.thread_time(), time.perf_counter()
        if not self.is_running:
            self._cpu, self._wall, self.is_running = cpu, wall, True
        elif cpu - self._cpu > self.seconds:
            raise BudgetExceeded("seconds", self.seconds)
        elif wall - self._wall > self.wall_seconds:
            raise BudgetExceeded("seconds of real time", self.wall_seconds)

    def settle(self) -> None:
        """Ends an evaluation: its time is taken off what is left, and the clock rests."""
        if self.is_running:
            self.seconds -= time.thread_time() - self._cpu
            self.wall_seconds -= time.perf_counter() - self._wall
            self.is_running = False
