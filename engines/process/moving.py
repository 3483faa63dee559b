"""How tokens leave nodes, are joined, and end (BPMN 2.0.2 §13.3 Activities, §13.4 Gateways)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engines.process.graph import Flow, Node
from engines.process.kinds import NodeType
from engines.process.run import Run
from engines.process.state import Token, TokenStatus


def arrive(run: Run, element: int) -> None:
    """Lets the token ``element`` do what its node says. A token that is gone or stopped is passed over."""
    token = run.tokens.get(element)
    if token is not None and token.status is TokenStatus.ACTIVE:
        node = run.graph.nodes[token.node]
        node.enter(run, token, node)


def completed(run: Run, token: Token, node: Node) -> None:
    """Writes down that ``node`` is done and lets its token go on."""
    run.log("completed", node.name, token.id)
    go_on(run, token, node)


def go_on(run: Run, token: Token, node: Node) -> None:
    """Sends the token of a finished node over the flows whose conditions hold; it ends where there is no flow."""
    if node.unconditional:
        follow(run, token, node.outgoing)
        return
    flows = chosen(run, token, node)
    if flows:
        follow(run, token, flows)
    else:
        run.fail(token, "process.no_flow_taken", f"no condition of the flows out of {node.name} holds")


def chosen(run: Run, token: Token, node: Node, *, first: bool = False) -> list[Flow]:
    """Flows whose conditions hold, the first one only or all; the default flow where no condition does.

    Why each was taken or not is written to the history.
    """
    taken: list[Flow] = []
    matched = False
    seen: dict[str, bool] = {}
    for flow in node.outgoing:
        if flow is node.default:
            continue
        if flow.condition is not None:
            seen[flow.name] = run.holds(flow.condition, token.id)
            matched = matched or seen[flow.name]
        if flow.condition is None or seen[flow.name]:
            taken.append(flow)
            if first:
                break
    if not matched and node.default is not None and not (first and taken):
        taken.append(node.default)
    run.log("chosen", node.name, token.id, conditions=seen, taken=[flow.name for flow in taken])
    return taken


def follow(run: Run, token: Token, flows: Sequence[Flow]) -> None:
    """Moves the token over one flow, splits it over several, ends it over none."""
    if len(flows) == 1:
        flow = flows[0]
        if token.id in run.variables:
            run.forget(token.id)
        if run.incidents:
            run.clear_incidents(token.id)
        run.tokens[token.id] = Token(
            id=token.id, node=flow.target.name, scope=token.scope, flow=flow.name, thread=token.thread
        )
        run.later(arrive, token.id)
    elif flows:
        split(run, token, flows)
    else:
        end(run, token)


def split(run: Run, token: Token, flows: Sequence[Flow]) -> None:
    """One token for each flow, each in a thread of its own within the one that forks."""
    thread = settled_thread(run, token)
    run.take(token)
    for flow in flows:
        child = run.put(flow.target.name, token.scope, flow=flow.name)
        run.tokens[child.id] = replace(child, thread=(*thread, child.id))
        run.later(arrive, child.id)


def settled_thread(run: Run, token: Token) -> tuple[int, ...]:
    """The token's thread; forgotten where nothing else is live beside it, so that loops with forks do not add up."""
    if not token.thread or run.live[token.scope] > 1:
        return token.thread
    for name, passed in run.passed.items():
        if passed.scope == token.scope and passed.thread:
            run.passed[name] = replace(passed, thread=())
    return ()


def end(run: Run, token: Token) -> None:
    """The token ends; the scope around it may be done with that."""
    run.take(token)
    run.later(settle, token.scope)


def settle(run: Run, scope: int) -> None:
    """Completes ``scope`` if nothing is live in it any more."""
    if run.live.get(scope) == 0:
        run.finish(run, run.scopes[scope])


# Gateways


def enter_exclusive(run: Run, token: Token, node: Node) -> None:
    """The first flow whose condition holds, else the default flow (§13.4.2)."""
    if node.unconditional and len(node.outgoing) < 2:
        completed(run, token, node)
        return
    flows = chosen(run, token, node, first=True)
    if flows:
        run.log("completed", node.name, token.id)
        follow(run, token, flows)
    else:
        run.fail(token, "process.no_flow_taken", f"no condition of the flows out of {node.name} holds")


def enter_parallel(run: Run, token: Token, node: Node) -> None:
    """Waits for a token on every incoming flow, then goes on over all outgoing flows (§13.4.1)."""
    if len(node.incoming) < 2:
        run.log("completed", node.name, token.id)
        follow(run, token, node.outgoing)
        return
    wait_at_join(run, token)
    arrived = arrivals(run, token.scope, node)
    if len(arrived) == len(node.incoming):
        join(run, list(arrived.values()), node, node.outgoing)


def enter_inclusive(run: Run, token: Token, node: Node) -> None:
    """Waits for every token that can still come (§13.4.3); that is asked when the step has no other work."""
    if len(node.incoming) < 2:
        fork_inclusive(run, token, node)
    else:
        wait_at_join(run, token)


def wait_at_join(run: Run, token: Token) -> None:
    """Lets the token wait for the others."""
    run.tokens[token.id] = replace(token, status=TokenStatus.JOINING)


def arrivals(run: Run, scope: int, node: Node) -> dict[str, Token]:
    """The longest waiting token of each incoming flow of a join, by flow."""
    found: dict[str, Token] = {}
    for token in run.tokens.values():
        if token.node == node.name and token.scope == scope and token.status is TokenStatus.JOINING:
            found.setdefault(token.flow, token)
    return found


def join(run: Run, tokens: list[Token], node: Node, flows: Sequence[Flow]) -> None:
    """Makes one token of several and lets it go on over ``flows``."""
    first, *others = tokens
    thread = common_prefix([token.thread for token in tokens])
    for token in others:
        run.take(token)
    joined = replace(first, status=TokenStatus.ACTIVE, thread=thread)
    run.tokens[first.id] = joined
    run.log("completed", node.name, first.id)
    follow(run, joined, flows)


def common_prefix(threads: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The thread that all ``threads`` have in common."""
    shortest = min(threads, key=len)
    for i, part in enumerate(shortest):
        if any(thread[i] != part for thread in threads):
            return shortest[:i]
    return shortest


def fork_inclusive(run: Run, token: Token, node: Node) -> None:
    """All flows whose conditions hold, else the default flow."""
    if node.unconditional:
        completed(run, token, node)
        return
    flows = chosen(run, token, node)
    if flows:
        run.log("completed", node.name, token.id)
        follow(run, token, flows)
    else:
        run.fail(token, "process.no_flow_taken", f"no condition of the flows out of {node.name} holds")


def fire_inclusive(run: Run) -> bool:
    """Activates one inclusive join that has nothing left to wait for; whether there was one."""
    waiting: dict[tuple[int, str], None] = {}
    for token in run.tokens.values():
        if token.status is TokenStatus.JOINING and token.node in run.graph.inclusive:
            waiting[token.scope, token.node] = None
    for scope, name in waiting:
        node = run.graph.nodes[name]
        # Looking at every token costs, and a process that forks without end must not take the server with it.
        run.spend(0, 1 + len(run.tokens) // 20)
        arrived = arrivals(run, scope, node)
        if not _more_may_come(run, scope, node, arrived):
            tokens = list(arrived.values())
            if node.unconditional:
                join(run, tokens, node, node.outgoing)
            else:
                _join_and_choose(run, tokens, node)
            return True
    return False


def _join_and_choose(run: Run, tokens: list[Token], node: Node) -> None:
    flows = chosen(run, tokens[0], node)
    if flows:
        join(run, tokens, node, flows)
        return
    first, *others = tokens
    for token in others:
        run.take(token)
    run.tokens[first.id] = replace(first, status=TokenStatus.ACTIVE)
    run.fail(run.tokens[first.id], "process.no_flow_taken", f"no condition of the flows out of {node.name} holds")


def _more_may_come(run: Run, scope: int, node: Node, arrived: dict[str, Token]) -> bool:
    """Whether a token elsewhere can reach an empty incoming flow and none of those that have a token (§13.4.3)."""
    full = 0
    for flow in node.incoming:
        if flow.name in arrived:
            full |= flow.bit
    places = [t.node for t in run.tokens.values() if t.scope == scope and t.node != node.name]
    places += [s.node for s in run.scopes.values() if s.parent == scope and s.node]
    for place in places:
        reached = node.reach.get(place, 0)
        if reached & ~full and not reached & full:
            return True
    return False


GATEWAYS = {
    NodeType.EXCLUSIVE: enter_exclusive,
    NodeType.PARALLEL: enter_parallel,
    NodeType.INCLUSIVE: enter_inclusive,
}
