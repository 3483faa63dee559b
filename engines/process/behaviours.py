"""What each node type does when a token arrives, and what each activity does when it begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engines.process import people, scopes, throwing, waiting
from engines.process.effects import ChildStarted, ServiceRequested
from engines.process.graph import Node
from engines.process.kinds import ACTIVITIES, NodeType
from engines.process.moving import GATEWAYS, completed
from engines.process.run import Run
from engines.process.state import Token

Behaviour = Callable[[Run, Token, Node], None]


def _enter_start(run: Run, token: Token, node: Node) -> None:
    run.log("entered", node.name, token.id)
    completed(run, token, node)


def _enter_catch(run: Run, token: Token, node: Node) -> None:
    run.log("entered", node.name, token.id)
    waiting.attach(run, token.id, (node,))


def _enter_event_gateway(run: Run, token: Token, node: Node) -> None:
    """Waits for the first of the events that follow (§13.4.4)."""
    run.log("entered", node.name, token.id)
    waiting.attach(run, token.id, [flow.target for flow in node.outgoing])


def _begin_receive(run: Run, token: Token, node: Node) -> None:
    waiting.attach(run, token.id, (node,))


def _begin_send(run: Run, token: Token, node: Node) -> None:
    """A send task throws its message; one with a service calls that instead."""
    if node.definition.service:
        _begin_service(run, token, node)
    else:
        throwing.send_message(run, token, node)
        scopes.complete(run, token, node)


def _begin_service(run: Run, token: Token, node: Node) -> None:
    run.effects.append(
        ServiceRequested(
            token=token.id,
            node=node.name,
            service=node.definition.service,
            input=evaluate_tree(run, node.input, token.id) or {},
            attempt=token.tries + 1,
        )
    )


def _begin_script(run: Run, token: Token, node: Node) -> None:
    for name, expression in node.script:
        run.set_variables(token.id, {name: run.evaluate(expression, token.id)})
    scopes.complete(run, token, node)


def _begin_decision(run: Run, token: Token, node: Node) -> None:
    """Asks the decision service at once; without ``input`` it sees every variable."""
    decisions = run.context.decisions
    if decisions is None:
        run.fail(token, "process.no_decisions", f"{node.name}: there is no decision service")
        return
    inputs = run.values(token.id) if node.input is None else evaluate_tree(run, node.input, token.id)
    result = decisions.decide(node.definition.decision, inputs)
    run.log("decided", node.name, token.id, decision=node.definition.decision, result=result)
    take_result(run, token, node, result)
    scopes.complete(run, token, node)


def _begin_call(run: Run, token: Token, node: Node) -> None:
    """Starts the called process; without ``input`` it gets a copy of every variable."""
    if node.input is None:
        variables: dict[str, Any] = {}
        for scope in reversed(list(run.chain(token.id))):
            variables.update(run.variables.get(scope, {}))
    else:
        variables = evaluate_tree(run, node.input, token.id)
    run.effects.append(
        ChildStarted(token=token.id, node=node.name, process=node.definition.process, variables=variables)
    )


def take_result(run: Run, token: Token, node: Node, result: Any) -> None:
    """Sets the variables that a service's or decision's answer gives."""
    if node.definition.result:
        run.set_variables(token.id, {node.definition.result: result})
    if node.output:
        run.set_local(token.id, {"result": result})
        run.set_variables(token.id, {name: run.evaluate(e, token.id) for name, e in node.output.items()})


def evaluate_tree(run: Run, tree: Any, element: int) -> Any:
    """The values of a tree of expressions."""
    if isinstance(tree, dict):
        return {name: evaluate_tree(run, part, element) for name, part in tree.items()}
    if isinstance(tree, list):
        return [evaluate_tree(run, part, element) for part in tree]
    return None if tree is None else run.evaluate(tree, element)


ENTER: dict[NodeType, Behaviour] = {
    NodeType.START_EVENT: _enter_start,
    # Only when an admin moves a token there; otherwise boundary events happen to their activity.
    NodeType.BOUNDARY_EVENT: _enter_start,
    NodeType.END_EVENT: throwing.enter_throw,
    NodeType.THROW_EVENT: throwing.enter_throw,
    NodeType.CATCH_EVENT: _enter_catch,
    NodeType.EVENT_BASED: _enter_event_gateway,
    **GATEWAYS,
    **dict.fromkeys(ACTIVITIES, scopes.enter_activity),
}

BEGIN: dict[NodeType, Behaviour] = {
    NodeType.TASK: scopes.complete,
    NodeType.MANUAL_TASK: scopes.complete,
    NodeType.USER_TASK: people.open_task,
    NodeType.SERVICE_TASK: _begin_service,
    NodeType.SEND_TASK: _begin_send,
    NodeType.RECEIVE_TASK: _begin_receive,
    NodeType.SCRIPT_TASK: _begin_script,
    NodeType.BUSINESS_RULE_TASK: _begin_decision,
    NodeType.CALL_ACTIVITY: _begin_call,
    NodeType.SUB_PROCESS: scopes.begin_sub_process,
    NodeType.TRANSACTION: scopes.begin_sub_process,
    NodeType.AD_HOC: scopes.begin_sub_process,
}
