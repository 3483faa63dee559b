"""What a process definition file says, as frozen values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engines.core import LocalizedText
from engines.process.kinds import EventKind, NodeType

NO_TEXT = LocalizedText({})


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableDefinition:
    """A variable of the process."""

    name: str
    # Field type of forms: text, number, boolean, date, datetime, duration, reference, list, context, any …
    type: str = "any"
    label: LocalizedText = NO_TEXT
    # FEEL; the value at the start where the caller gives none.
    default: str = ""
    # Name of the form for references.
    form: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerDefinition:
    """When a timer is due: exactly one of ``duration``, ``date`` and ``cycle`` is a FEEL expression."""

    duration: str = ""
    date: str = ""
    # Yields "R3/PT10M", "R/2030-01-01T08:00:00Z/P1D" or a cron line of five fields.
    cycle: str = ""
    # Name of the working calendar in which durations count; empty is the wall clock.
    calendar: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDefinition:
    """What an event waits for or raises."""

    kind: EventKind
    # Message, signal or link name; error or escalation code (empty catches all); activity to compensate (empty: all).
    name: str = ""
    timer: TimerDefinition | None = None
    # FEEL condition of a conditional event.
    condition: str = ""
    # FEEL; the key by which a message finds its instance. Thrown messages evaluate it too.
    correlation: str = ""
    # FEEL by name; what a thrown message, signal, error or escalation carries.
    payload: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiInstanceDefinition:
    """An activity done several times (BPMN 2.0.2 §10.3.8 Loop Characteristics)."""

    # True: all at once; False: one after the other.
    parallel: bool = True
    # FEEL list; one instance for each element.
    each: str = ""
    # Variable that holds the element inside an instance.
    item: str = ""
    # FEEL number of instances, where there is no list.
    count: str = ""
    # FEEL; asked after each instance, true ends the others.
    complete_when: str = ""
    # Variable that receives the list of results, and FEEL for one result.
    collect_into: str = ""
    collect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopDefinition:
    """A standard loop: the activity is repeated while ``condition`` holds."""

    condition: str
    # True: asked before the first time, as "while"; False: after each time, as "do … while".
    before: bool = False
    # Largest number of rounds; 0 is no limit.
    maximum: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentDefinition:
    """Who gets a user task. Several keys give the union of what each finds."""

    # Roles whose holders are candidates.
    roles: tuple[str, ...] = ()
    # FEEL: one person or a list of people.
    person: str = ""
    candidates: str = ""
    # Field of the subject that holds a person.
    field: str = ""
    # FEEL: a department; its head or all of its members are meant.
    department_head: str = ""
    department: str = ""
    # FEEL: a person; ``level`` steps up the reporting line.
    manager_of: str = ""
    level: int = 1
    # Whoever completed that user task last.
    performer_of: str = ""
    # Who started the process.
    initiator: bool = False
    # A decision that yields people or role names.
    decision: str = ""
    # Whoever starts the process chooses among those whom the other keys find; without other keys among everybody.
    initiator_chooses: bool = False
    # Nobody found: "incident" (default), "skip" completes with the first outcome, "admin" asks whoever administers the
    # process, "escalate" the initiator's superiors one after the other (else the admin), "role:<name>" that role.
    nobody: str = "incident"
    # "" leaves the choice to whoever claims; "least_busy" and "in_turn" pick one of the candidates.
    distribute: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeDefinition:
    """A way to complete a user task, shown as a button."""

    name: str
    label: LocalizedText = NO_TEXT
    # "none", "optional" or "required".
    comment: str = "optional"
    # "approve", "reject" or "neutral": how countersigning counts it.
    meaning: str = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldAccess:
    """What a step may do with one field of the form."""

    name: str
    # hidden, read or write.
    access: str = "write"
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDefinition:
    """How several people decide one user task."""

    # "one": whoever claims it; "any" (或签), "all" (会签), "ratio", "sequential" (依次): one task for each person.
    mode: str = "one"
    # FEEL; the share of approvals that decides under "ratio", as a fraction.
    ratio: str = ""
    # One rejection decides at once (一票否决); by default so for all modes but "ratio".
    veto: bool | None = None
    # Approve automatically for somebody who has approved this instance before, or who started it.
    repeated: str = "ask"
    own: str = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTaskDefinition:
    """The part of a user task that people see."""

    form: str = ""
    layout: str = ""
    assignment: AssignmentDefinition = AssignmentDefinition()
    outcomes: tuple[OutcomeDefinition, ...] = ()
    fields: tuple[FieldAccess, ...] = ()
    # FEEL: low, normal, high or urgent.
    priority: str = ""
    # FEEL: a duration from now or an instant, with the calendar in which durations count.
    due: str = ""
    calendar: str = ""
    approval: ApprovalDefinition = ApprovalDefinition()
    # Verbs that the people of this step may use; None allows all.
    verbs: frozenset[str] | None = None
    # The delivery standard: what must be ticked, and FEEL that must hold, before any completion counts.
    checklist: tuple[str, ...] = ()
    requires: str = ""
    # Whether who decides signs: "none", "optional" or "required" (a rejection is free of it).
    signature: str = "none"
    # Ways besides the inbox in which its people are told of it, each with a link of their own: "mail", a chat channel.
    channels: tuple[str, ...] = ()
    # Assignments of people who only get a copy when the step opens (抄送).
    copy: AssignmentDefinition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaActionDefinition:
    """What happens at one point of a time limit; each once, those with ``every`` again and again."""

    name: str
    # FEEL durations before or after the limit; neither is the moment at which it is passed.
    before: str = ""
    after: str = ""
    # FEEL duration after which it is done again, and how often at most (0: until the step is over).
    every: str = ""
    times: int = 0
    # "warn", "remind", "escalate", "transfer" or "complete".
    do: str = "warn"
    # Who is told, or gets the tasks; without it whoever has the task, for "escalate" and "transfer" their managers.
    to: AssignmentDefinition | None = None
    # "complete": the outcome; "escalate": code of a BPMN escalation that is thrown as well.
    outcome: str = ""
    code: str = ""
    # What the notice says instead of the usual words.
    message: LocalizedText = NO_TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaDefinition:
    """How long an activity may take, and what happens when it takes longer."""

    name: str
    label: LocalizedText = NO_TEXT
    # FEEL: a duration from the moment the activity begins, or an instant.
    target: str = ""
    # "completed", or "claimed": until every task of the step has somebody.
    until: str = "completed"
    # Working calendar in which all of its durations count; empty is the wall clock.
    calendar: str = ""
    # FEEL: the department whose hours the calendar takes; that of the initiator where left out.
    department: str = ""
    # FEEL: the clock stands still while this holds.
    pause_when: str = ""
    # Who may stop the clock besides those who administer the process.
    pause_roles: tuple[str, ...] = ()
    pause_by_assignee: bool = False
    # After a return the clock goes on where it stood ("resume"), or from the beginning ("restart").
    after_return: str = "resume"
    actions: tuple[SlaActionDefinition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDefinition:
    """How often a failing service is tried again, and after how long."""

    times: int = 3
    # First wait in seconds; doubled each time.
    wait_s: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowDefinition:
    """A sequence flow."""

    name: str
    source: str
    target: str
    # FEEL; empty is always taken.
    condition: str = ""
    label: LocalizedText = NO_TEXT
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDefinition:
    """A flow node; which parts are filled depends on ``type``."""

    name: str
    type: NodeType
    label: LocalizedText = NO_TEXT
    documentation: str = ""
    lane: str = ""
    # JSON pointer of the node in its file.
    pointer: str = ""
    event: EventDefinition | None = None
    # Boundary events: the activity they stand on; for compensation, the activity that undoes it.
    attached_to: str = ""
    handler: str = ""
    # Boundary events and start events of event sub-processes.
    interrupting: bool = True
    for_compensation: bool = False
    # Name of the default flow.
    default: str = ""
    multi_instance: MultiInstanceDefinition | None = None
    loop: LoopDefinition | None = None
    # Activities: how long they may take.
    sla: tuple[SlaDefinition, ...] = ()
    user_task: UserTaskDefinition | None = None
    # Service tasks: registered service; business rule tasks: decision; call activities: process.
    service: str = ""
    decision: str = ""
    process: str = ""
    # FEEL by name: what goes in, and what of the result is taken back; None takes everything.
    input: Mapping[str, Any] | None = None
    output: Mapping[str, str] | None = None
    # Variable that receives a service's or decision's result.
    result: str = ""
    retry: RetryDefinition = RetryDefinition()
    # Script tasks: variable and FEEL, in order.
    script: tuple[tuple[str, str], ...] = ()
    # Sub-processes.
    nodes: tuple[NodeDefinition, ...] = ()
    flows: tuple[FlowDefinition, ...] = ()
    event_triggered: bool = False
    # Ad-hoc sub-processes.
    sequential: bool = False
    complete_when: str = ""
    cancel_remaining: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneDefinition:
    """A lane: who is responsible for the nodes that name it."""

    name: str
    label: LocalizedText = NO_TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessDefinition:
    """One process as written."""

    name: str
    label: LocalizedText = NO_TEXT
    file: str = ""
    # Form of the record that the process is about; empty where there is none.
    subject: str = ""
    # Whether the subject is locked while an instance runs, except for the fields that a step opens.
    locks_subject: bool = False
    variables: tuple[VariableDefinition, ...] = ()
    nodes: tuple[NodeDefinition, ...] = ()
    flows: tuple[FlowDefinition, ...] = ()
    lanes: tuple[LaneDefinition, ...] = ()
    # BPMN diagram interchange: positions of nodes, way points of flows.
    diagram: Mapping[str, Any] = field(default_factory=dict)
    documentation: str = ""

    def all_nodes(self) -> Iterator[NodeDefinition]:
        """Every node, those of sub-processes after their sub-process."""
        return walk(self.nodes)

    def all_flows(self) -> Iterator[FlowDefinition]:
        """Every sequence flow, those of sub-processes included."""
        yield from self.flows
        for node in self.all_nodes():
            yield from node.flows


def walk(nodes: Sequence[NodeDefinition]) -> Iterator[NodeDefinition]:
    """``nodes`` with everything inside them, in file order."""
    for node in nodes:
        yield node
        yield from walk(node.nodes)
