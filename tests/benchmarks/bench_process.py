"""Stepping in memory against SpiffWorkflow: three user tasks in a row, a split of five, a gateway with two scripts.

Instances per second of the processor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from io import BytesIO
from time import process_time
from typing import Any
from zoneinfo import ZoneInfo

from engines.process import CompiledProcess, InstanceState, StepContext, compile, events, import_bpmn, step
from engines.process.loading import read
from tests.benchmarks.harness import Measurement, duration, rate

_HEAD = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t">'
    '<process id="p" isExecutable="true">'
)
_TAIL = "</process></definitions>"
CONTEXT = StepContext(now=datetime(2030, 1, 7, tzinfo=UTC), zone=ZoneInfo("UTC"))


def flows(*pairs: tuple[str, str]) -> str:
    """Sequence flows between nodes."""
    return "".join(f'<sequenceFlow id="f{i}" sourceRef="{a}" targetRef="{b}"/>' for i, (a, b) in enumerate(pairs))


def linear() -> str:
    """Three user tasks in a row."""
    tasks = "".join(f'<userTask id="t{i}" name="t{i}"/>' for i in range(3))
    ways = flows(("s", "t0"), ("t0", "t1"), ("t1", "t2"), ("t2", "e"))
    return f'{_HEAD}<startEvent id="s"/>{tasks}<endEvent id="e"/>{ways}{_TAIL}'


def parallel() -> str:
    """A parallel split and join of five user tasks."""
    tasks = "".join(f'<userTask id="t{i}" name="t{i}"/>' for i in range(5))
    pairs = [("s", "g"), ("j", "e"), *(("g", f"t{i}") for i in range(5)), *((f"t{i}", "j") for i in range(5))]
    gates = '<parallelGateway id="g"/><parallelGateway id="j"/>'
    return f'{_HEAD}<startEvent id="s"/>{gates}{tasks}<endEvent id="e"/>{flows(*pairs)}{_TAIL}'


def exclusive(script: Callable[[str], str]) -> str:
    """An exclusive gateway with a script before it and one on each branch."""
    scripts = "".join(map(script, "abc"))
    nodes = f'<startEvent id="s"/><exclusiveGateway id="g" default="f3"/>{scripts}<endEvent id="e"/>'
    ways = flows(("s", "a"), ("a", "g")) + (
        '<sequenceFlow id="f2" sourceRef="g" targetRef="b">'
        "<conditionExpression>x &gt; 5</conditionExpression></sequenceFlow>"
        '<sequenceFlow id="f3" sourceRef="g" targetRef="c"/>'
        '<sequenceFlow id="f4" sourceRef="b" targetRef="e"/><sequenceFlow id="f5" sourceRef="c" targetRef="e"/>'
    )
    return f"{_HEAD}{nodes}{ways}{_TAIL}"


def our_script(name: str) -> str:
    """A script task of ours."""
    return f'<scriptTask id="{name}" scriptFormat="text/x-assign"><script>x = x + 1</script></scriptTask>'


def their_script(name: str) -> str:
    """A script task for SpiffWorkflow, in Python."""
    return f'<scriptTask id="{name}"><script>x = x + 1</script></scriptTask>'


def ours(xml: str, variables: dict[str, Any]) -> Callable[[], None]:
    """A function that runs one instance with our engine."""
    graph = compile(read(import_bpmn(xml).processes[0]))

    def run() -> None:
        state = step(graph, InstanceState(), events.Start(variables=variables), CONTEXT).state
        while not state.ended:
            state = step(graph, state, events.CompleteTask(task=next(iter(state.tasks))), CONTEXT).state

    return run


def spiff(xml: str, variables: dict[str, Any]) -> Callable[[], None]:
    """A function that runs one instance with SpiffWorkflow."""
    from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
    from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
    from SpiffWorkflow.util.task import TaskState

    parser = BpmnParser()
    parser.add_bpmn_io(BytesIO(xml.encode()), "p.bpmn")
    spec = parser.get_spec("p")

    def run() -> None:
        workflow = BpmnWorkflow(spec)
        workflow.task_tree.data.update(variables)
        workflow.do_engine_steps()
        while not workflow.is_completed():
            workflow.get_next_task(state=TaskState.READY, manual=True).run()
            workflow.do_engine_steps()

    return run


def measure() -> Iterable[Measurement]:
    """Instances a second of each graph, and how a long instance's step compares with a short one's."""
    yield rate("process.linear/spiff", ours(linear(), {}), spiff(linear(), {}), number=60, clock=process_time)
    yield rate("process.parallel/spiff", ours(parallel(), {}), spiff(parallel(), {}), number=30, clock=process_time)
    yield rate(
        "process.exclusive/spiff",
        ours(exclusive(our_script), {"x": Decimal(7)}),
        spiff(exclusive(their_script), {"x": 7}),
        number=60,
        clock=process_time,
    )
    yield long_instance()


def long_instance() -> Measurement:
    """A step after 1,000 finished steps over one after 10, of one instance that goes round in a loop."""
    pairs = flows(("s", "m"), ("m", "t"), ("t", "g"))
    ways = (
        '<sequenceFlow id="back" sourceRef="g" targetRef="m">'
        "<conditionExpression>not(done)</conditionExpression></sequenceFlow>"
        '<sequenceFlow id="out" sourceRef="g" targetRef="e"/>'
    )
    gates = '<exclusiveGateway id="m"/><exclusiveGateway id="g" default="out"/>'
    xml = f'{_HEAD}<startEvent id="s"/>{gates}<userTask id="t"/><endEvent id="e"/>{pairs}{ways}{_TAIL}'
    graph = compile(read(import_bpmn(xml).processes[0]))
    states = []
    state = step(graph, InstanceState(), events.Start(variables={"done": False}), CONTEXT).state
    for count in range(1001):
        if count in (10, 1000):
            states.append(state)
        state = _complete(graph, state)
    short, long = (partial(_complete, graph, one) for one in states)
    return duration("process.long_instance", long, short, number=300)


def _complete(graph: CompiledProcess, state: InstanceState) -> InstanceState:
    return step(graph, state, events.CompleteTask(task=next(iter(state.tasks))), CONTEXT).state
