"""The working copy of a state during one step: small changes, in memory, that end in a new state."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from engines.core import BudgetExceeded
from engines.feel import EvaluationContext
from engines.process.context import StepContext
from engines.process.effects import Effect, HistoryEntry, Incident, SubscriptionClosed, TimerCancelled, TimerSet
from engines.process.expressions import Expression
from engines.process.graph import CompiledProcess, Node
from engines.process.state import (
    ROOT,
    InstanceState,
    OpenIncident,
    Scope,
    ScopeKind,
    Subscription,
    Timer,
    Token,
    TokenStatus,
)

# Moves in one step before it is taken for an endless loop.
MAX_MOVES = 10_000


class Run:
    """A mutable copy of an instance's state. Rows are immutable and replaced; the given state is never touched."""

    def __init__(self, graph: CompiledProcess, state: InstanceState, context: StepContext) -> None:
        self.graph = graph
        self.state = state
        self.context = context
        self.status = state.status
        self.suspended = state.suspended
        self.initiator = state.initiator
        self.called = state.called
        self.choices = state.choices
        self.next_id = state.next_id
        self.serial = state.serial
        self.tokens = dict(state.tokens)
        self.scopes = dict(state.scopes)
        self.tasks = dict(state.tasks)
        self.approvals = dict(state.approvals)
        self.timers = dict(state.timers)
        self.clocks = dict(state.clocks)
        self.subscriptions = dict(state.subscriptions)
        self.incidents = dict(state.incidents)
        self.passed = dict(state.passed)
        self.variables: dict[int, Mapping[str, Any]] = dict(state.variables)
        self.live = {scope.id: scope.live for scope in state.scopes.values()}
        self.effects: list[Effect] = []
        self.history: list[HistoryEntry] = []
        self.queue: deque[tuple[Callable[[Run, int], None], int]] = deque()
        self.variables_changed = False
        # Conditions that have begun to wait in this step and were not looked at yet.
        self.fresh_conditions: list[int] = []
        # What completes a scope that has become empty; set by the step, because scopes build on moving tokens.
        self.finish: Callable[[Run, Scope], None]
        # What expressions may name for the moment besides variables.
        self.given: Mapping[str, Any] = {}
        self._own_variables: set[int] = set()
        self._feel: EvaluationContext | None = None
        self._moves = 0

    # State

    def freeze(self) -> InstanceState:
        """The state that the changes have led to."""
        for scope in list(self.scopes.values()):
            if scope.live != self.live[scope.id]:
                self.scopes[scope.id] = replace(scope, live=self.live[scope.id])
        return InstanceState(
            status=self.status,
            suspended=self.suspended,
            initiator=self.initiator,
            called=self.called,
            choices=self.choices,
            next_id=self.next_id,
            serial=self.serial,
            tokens=self.tokens,
            scopes=self.scopes,
            tasks=self.tasks,
            approvals=self.approvals,
            timers=self.timers,
            clocks=self.clocks,
            subscriptions=self.subscriptions,
            incidents=self.incidents,
            passed=self.passed,
            variables=self.variables,
        )

    def new_id(self) -> int:
        """The next id of this instance; the first one is that of the process's own scope."""
        found = self.next_id
        self.next_id += 1
        return found

    def log(self, kind: str, node: str = "", element: int = 0, **data: Any) -> None:
        """Adds a row of history."""
        context = self.context
        self.history.append(
            HistoryEntry(kind=kind, at=context.now, node=node, element=element, by=context.actor_id, data=data)
        )

    # Work that is still to be done in this step

    def later(self, action: Callable[[Run, int], None], element: int) -> None:
        """Puts ``action(run, element)`` at the end of the queue."""
        self.queue.append((action, element))

    def drain(self) -> None:
        """Does the queued work. ``BudgetExceeded`` where the process runs in a circle without ever waiting."""
        queue = self.queue
        while queue:
            action, element = queue.popleft()
            self.spend(element)
            action(self, element)

    def spend(self, element: int, cost: int = 1) -> None:
        """Counts moves and looks at conditions and joins; ``BudgetExceeded`` when the step has had too many."""
        self._moves += cost
        if self._moves > MAX_MOVES:
            token = self.tokens.get(element)
            raise BudgetExceeded("token moves in one step", MAX_MOVES, token.node if token else self.graph.name)

    # Tokens and scopes

    def node_of(self, element: Token | Scope) -> Node:
        """The node at which a token or scope stands."""
        return self.graph.nodes[element.node]

    def put(self, node: str, scope: int, *, flow: str = "", thread: tuple[int, ...] = (), back_to: str = "") -> Token:
        """A new token at ``node``."""
        token = Token(id=self.new_id(), node=node, scope=scope, flow=flow, thread=thread, back_to=back_to)
        self.tokens[token.id] = token
        self.live[scope] += 1
        return token

    def take(self, token: Token) -> None:
        """Removes a token with its local variables."""
        del self.tokens[token.id]
        self.forget(token.id)
        self.live[token.scope] -= 1
        if self.incidents:
            self.clear_incidents(token.id)

    def open_scope(self, token: Token, kind: ScopeKind, **more: Any) -> Scope:
        """Turns ``token`` into a scope with the same id, so that what is attached to it stays attached."""
        del self.tokens[token.id]
        scope = Scope(
            id=token.id,
            node=token.node,
            parent=token.scope,
            kind=kind,
            thread=token.thread,
            flow=token.flow,
            back_to=token.back_to,
            **more,
        )
        self.scopes[scope.id] = scope
        self.live[scope.id] = 0
        return scope

    def close_scope(self, scope: Scope) -> Token:
        """Turns an empty scope back into the token that it was."""
        del self.scopes[scope.id]
        del self.live[scope.id]
        token = Token(
            id=scope.id,
            node=scope.node,
            scope=scope.parent,
            flow=scope.flow,
            thread=scope.thread,
            back_to=scope.back_to,
        )
        self.tokens[token.id] = token
        return token

    def new_scope(self, parent: int, kind: ScopeKind, node: str = "", **more: Any) -> Scope:
        """A new scope that lives in ``parent``."""
        scope = Scope(id=self.new_id(), node=node, parent=parent, kind=kind, **more)
        self.scopes[scope.id] = scope
        self.live[scope.id] = 0
        if parent:
            self.live[parent] += 1
        return scope

    def drop_scope(self, scope: Scope) -> None:
        """Removes an empty scope with its variables."""
        del self.scopes[scope.id]
        del self.live[scope.id]
        self.forget(scope.id)
        if scope.parent:
            self.live[scope.parent] -= 1

    def parent_of(self, element: Token | Scope) -> int:
        """The scope in which a token or scope lives; 0 above the process."""
        return element.scope if isinstance(element, Token) else element.parent

    # Variables

    def chain(self, element: int) -> Iterator[int]:
        """Ids of the scopes whose variables are seen at a token or scope, innermost first."""
        token = self.tokens.get(element)
        if token is not None:
            yield element
            element = token.scope
        while element:
            yield element
            element = self.scopes[element].parent

    def values(self, element: int) -> Mapping[str, Any]:
        """Everything that expressions see at a token or scope."""
        seen = {**self.context.values, **self.given}
        if self.initiator is not None:
            seen.setdefault("initiator", self.initiator)
        for scope in reversed([s for s in self.chain(element) if s in self.variables]):
            seen.update(self.variables[scope])
        return seen

    def evaluate(self, expression: Expression, element: int) -> Any:
        """The value of ``expression`` as seen at a token or scope."""
        if self._feel is None:
            self._feel = self.context.feel()
        return expression.value(self.values(element), self._feel)

    def holds(self, expression: Expression, element: int) -> bool:
        """Whether a condition is true; null and anything else is not."""
        return self.evaluate(expression, element) is True

    def set_local(self, scope: int, values: Mapping[str, Any]) -> None:
        """Sets variables in exactly this scope."""
        if not values:
            return
        if scope not in self._own_variables:
            self.variables[scope] = dict(self.variables.get(scope, {}))
            self._own_variables.add(scope)
        self.variables[scope].update(values)  # type: ignore[attr-defined]
        self.variables_changed = True

    def forget(self, element: int) -> None:
        """Drops the variables of a token or scope."""
        self.variables.pop(element, None)
        self._own_variables.discard(element)

    def set_variables(self, element: int, values: Mapping[str, Any]) -> None:
        """Sets each variable where it is seen from ``element``, new ones in the process."""
        if not values:
            return
        scopes = list(self.chain(element))
        for name, value in values.items():
            home = next((s for s in scopes if name in self.variables.get(s, ())), ROOT)
            self.set_local(home, {name: value})

    # Timers and subscriptions

    def add_timer(self, timer: Timer) -> None:
        """Starts a timer."""
        self.timers[timer.id] = timer
        self.effects.append(TimerSet(timer=timer))

    def detach(self, owner: int, *, keep: Callable[[Node], bool] | None = None) -> None:
        """Ends what waits on behalf of ``owner``, except at nodes to ``keep``; clocks end by themselves."""
        nodes = self.graph.nodes
        timers = [t for t in self.timers.values() if t.owner == owner and not t.clock]
        for timer in [t for t in timers if not (keep and keep(nodes[t.node]))]:
            self.cancel_timer(timer)
        subscriptions = [s for s in self.subscriptions.values() if s.owner == owner and not s.clock]
        for subscription in [s for s in subscriptions if not (keep and keep(nodes[s.node]))]:
            self.close_subscription(subscription)

    def cancel_timer(self, timer: Timer) -> None:
        """Ends one timer."""
        del self.timers[timer.id]
        self.effects.append(TimerCancelled(timer=timer))

    def close_subscription(self, subscription: Subscription) -> None:
        """Ends one subscription."""
        del self.subscriptions[subscription.id]
        self.effects.append(SubscriptionClosed(subscription=subscription))

    # Incidents

    def fail(self, token: Token, code: str, message: str) -> None:
        """Stops ``token`` with an incident; nothing is lost, an admin may retry."""
        incident = OpenIncident(
            id=self.new_id(), token=token.id, node=token.node, code=code, message=message, at=self.context.now
        )
        self.incidents[incident.id] = incident
        self.tokens[token.id] = replace(token, status=TokenStatus.INCIDENT)
        self.effects.append(Incident(id=incident.id, token=token.id, node=token.node, code=code, message=message))
        self.log("incident", token.node, token.id, code=code, message=message)

    def clear_incidents(self, token: int) -> None:
        """Forgets the incidents of a token."""
        for incident in [i for i in self.incidents.values() if i.token == token]:
            del self.incidents[incident.id]
