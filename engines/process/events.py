"""What can happen to an instance: the input of a step. Ids are those of the instance's state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The instance begins, at its plain start event or at the named one."""

    node: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    initiator: UUID | None = None
    # Started by a call activity: an uncaught error goes to the caller.
    called: bool = False
    # People whom the initiator has chosen, by user task.
    choices: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteTask:
    """A person completes a user task."""

    task: int
    outcome: str = ""
    comment: str = ""
    # Variables set in the process.
    variables: Mapping[str, Any] = field(default_factory=dict)
    # Points of the delivery standard that were ticked.
    checked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseClock:
    """The clocks of time limits stand still: those of ``task``, or the one named; ``comment`` says why."""

    task: int = 0
    clock: int = 0
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeClock:
    """Clocks that a person has stopped go on."""

    task: int = 0
    clock: int = 0
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """A timer is due."""

    timer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived:
    """A message for this instance."""

    name: str
    key: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    # The subscription it was correlated with; 0 takes the first that fits.
    subscription: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReceived:
    """A signal that was broadcast."""

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorThrown:
    """Whoever works on an activity reports a BPMN error; ``token`` or ``task`` says where."""

    code: str
    token: int = 0
    task: int = 0
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationThrown:
    """Whoever works on an activity escalates; the work goes on unless the catching event interrupts it."""

    code: str
    token: int = 0
    task: int = 0
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VariablesSet:
    """Variables are set from outside; conditional events react."""

    variables: Mapping[str, Any]
    # The scope in which they are set; 0 is the process.
    scope: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChanged:
    """Something that conditions read (the subject, settings) has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityStarted:
    """Somebody starts an activity of an ad-hoc sub-process."""

    activity: str
    # The sub-process; 0 where only one is live that has the activity.
    scope: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdHocCompleted:
    """Somebody declares an ad-hoc sub-process done; what is still running in it is cancelled."""

    node: str
    scope: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDone:
    """The service that a token waits for has answered."""

    token: int
    result: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFailed:
    """The service failed: with ``code`` as a BPMN error, otherwise to be tried again."""

    token: int
    message: str
    code: str = ""
    retryable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnded:
    """The called process has ended."""

    token: int
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildFailed:
    """The called process ended with an error that it did not catch."""

    token: int
    code: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEscalated:
    """The called process escalated and did not catch it."""

    token: int
    code: str
    variables: Mapping[str, Any] = field(default_factory=dict)


# Verbs of people. ``context.actor`` is who acts; that they may is checked against the task by `may_act`.


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTask:
    """A candidate takes the task (签收)."""

    task: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTask:
    """The assignee gives a claimed task back to the candidates."""

    task: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignTask:
    """An admin gives the task to somebody."""

    task: int
    to: UUID
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferTask:
    """The assignee hands the task over for good (转交)."""

    task: int
    to: UUID
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegateTask:
    """The assignee asks somebody else; the task comes back when resolved (委派)."""

    task: int
    to: UUID
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveTask:
    """The delegate is done; the owner has the task again."""

    task: int
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddApprovers:
    """People are added before, after or beside the task (前/后/并加签)."""

    task: int
    people: tuple[UUID, ...]
    # "before", "after" or "beside".
    where: str = "before"
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveApprover:
    """A person whose vote has not been given is taken out of a countersigning (减签)."""

    task: int
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnTask:
    """The task is sent back (退回) to "initiator", "previous" or the name of a passed user task."""

    task: int
    to: str = "previous"
    comment: str = ""
    # True: whoever gets it returns straight to this step; False: everything between is gone through again.
    back_to_me: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """The last performer of a step takes it back as long as nobody acted after (取回)."""

    node: str
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """The initiator withdraws the instance as long as nobody else acted (撤回)."""

    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindTask:
    """Somebody asks the people of a task to hurry (催办), at most once in the brake's time."""

    task: int
    comment: str = ""
    # Seconds that must have passed since the last reminder.
    brake_s: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyTask:
    """A task is copied to people for information (抄送)."""

    task: int
    people: tuple[UUID, ...]
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentTask:
    """Somebody comments on an open task, and may name people."""

    task: int
    comment: str
    people: tuple[UUID, ...] = ()


# Verbs of admins.


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """The instance is ended from outside (作废, or by its caller)."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend:
    """Nothing may happen until the instance is resumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """A suspended instance goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An incident was mended; its activity is tried again."""

    incident: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveToken:
    """A token is moved to another node of its scope."""

    token: int
    to: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """All tasks of one person go to another (somebody leaves), and with ``initiator`` what they have started."""

    person: UUID
    to: UUID
    comment: str = ""
    tasks: bool = True
    initiator: bool = False


ProcessEvent = (
    Start
    | CompleteTask
    | TimerFired
    | MessageReceived
    | SignalReceived
    | ErrorThrown
    | EscalationThrown
    | VariablesSet
    | DataChanged
    | ActivityStarted
    | AdHocCompleted
    | ServiceDone
    | ServiceFailed
    | ChildEnded
    | ChildFailed
    | ChildEscalated
    | ClaimTask
    | ReleaseTask
    | AssignTask
    | TransferTask
    | DelegateTask
    | ResolveTask
    | AddApprovers
    | RemoveApprover
    | ReturnTask
    | TakeBack
    | Withdraw
    | RemindTask
    | CopyTask
    | CommentTask
    | PauseClock
    | ResumeClock
    | Cancel
    | Suspend
    | Resume
    | Retry
    | MoveToken
    | HandOver
)
