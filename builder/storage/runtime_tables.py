"""System tables of what runs: process instances, tasks, jobs, effects, notices, rule states and what explains them.

Names of forms, processes and rules are qualified with their app ("app.form"). Values inside JSON columns are
written with ``builder.storage.values``. The row is the truth: whatever executes it is only told to look.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from builder.storage.metadata import CLUSTERED, metadata, where_set
from builder.storage.types import Identifier, Instant, Json

NAME = String(200)
WORD = String(40)

# ---------------------------------------------------------------------------------------------------- processes

process_instance = Table(
    "sys_process_instance",
    metadata,
    Column("id", Identifier(), primary_key=True),
    Column("app", NAME, nullable=False),
    Column("process", NAME, nullable=False),
    # Content hash of the graph that it keeps, and the release that holds it with the layouts of its steps.
    Column("definition_hash", String(64), nullable=False),
    Column("release", Integer, nullable=False),
    Column("subject_form", NAME),
    Column("subject_id", Identifier()),
    # The subject's version when the instance began, where its process locks the subject while it runs.
    Column("subject_version", Integer),
    # The instance and token of the call activity that started this one.
    Column("parent_id", Identifier()),
    Column("parent_token", Integer),
    Column("root_id", Identifier(), nullable=False),
    # Status of the engine's state, and how many incidents are open.
    Column("status", WORD, nullable=False),
    Column("suspended", Boolean, nullable=False),
    Column("incidents", Integer, nullable=False),
    # Raised by every step; a step on an older version is refused.
    Column("version", Integer, nullable=False),
    # Format of the live rows, and what stands once for each instance (counters).
    Column("format", Integer, nullable=False),
    Column("head", Json(), nullable=False),
    Column("started_at", Instant(), nullable=False),
    Column("started_by", Identifier()),
    Column("ended_at", Instant()),
    Column("history_length", Integer, nullable=False),
    Index("ix_sys_process_instance_subject", "subject_form", "subject_id", **where_set("subject_id")),
    Index("ix_sys_process_instance_process", "app", "process", "status"),
    Index("ix_sys_process_instance_starter", "started_by", "started_at", **where_set("started_by")),
    Index("ix_sys_process_instance_parent", "parent_id", **where_set("parent_id")),
)

process_live = Table(
    "sys_process_live",
    metadata,
    # One row for each live thing: token, scope, task, timer, subscription, incident, variables of a scope.
    Column("instance_id", Identifier(), ForeignKey("sys_process_instance.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", WORD, primary_key=True),
    Column("key", NAME, primary_key=True),
    # Node in which it stands, so that the diagram and the heat map need no JSON.
    Column("node", NAME),
    Column("data", Json(), nullable=False),
    **CLUSTERED,
)

process_subscription = Table(
    "sys_process_subscription",
    metadata,
    Column("instance_id", Identifier(), ForeignKey("sys_process_instance.id", ondelete="CASCADE"), primary_key=True),
    Column("key", NAME, primary_key=True),
    # message, signal
    Column("kind", WORD, nullable=False),
    Column("name", NAME, nullable=False),
    # Value of the correlation key as text; empty where none is stated.
    Column("correlation", Text, nullable=False),
    Index("ix_sys_process_subscription_name", "kind", "name", "correlation"),
    **CLUSTERED,
)

process_history = Table(
    "sys_process_history",
    metadata,
    Column("instance_id", Identifier(), ForeignKey("sys_process_instance.id", ondelete="CASCADE"), primary_key=True),
    # 1, 2, 3 … within the instance.
    Column("number", Integer, primary_key=True),
    Column("at", Instant(), nullable=False),
    Column("kind", WORD, nullable=False),
    Column("node", NAME),
    Column("actor", Identifier()),
    Column("data", Json(), nullable=False),
    **CLUSTERED,
)

process_clock = Table(
    "sys_process_clock",
    metadata,
    # A clock of a time limit, running or over: what attainment is reckoned from.
    Column("instance_id", Identifier(), ForeignKey("sys_process_instance.id", ondelete="CASCADE"), primary_key=True),
    # Its number within the instance's state.
    Column("number", Integer, primary_key=True),
    Column("app", NAME, nullable=False),
    Column("process", NAME, nullable=False),
    Column("node", NAME, nullable=False),
    # Name and localised label of the limit.
    Column("name", NAME, nullable=False),
    Column("label", Json(), nullable=False),
    # running, paused, met, breached, cancelled
    Column("status", WORD, nullable=False),
    # Why it stands.
    Column("held", Json(), nullable=False),
    Column("started_at", Instant(), nullable=False),
    # When the limit is or was reached; empty while it stands.
    Column("due_at", Instant()),
    Column("breached_at", Instant()),
    Column("ended_at", Instant()),
    # When it was met or breached, whichever came: attainment counts it there.
    Column("decided_at", Instant()),
    # Seconds allowed and used by the limit's own measure, and those for which it stood, by the wall clock.
    Column("target_s", BigInteger, nullable=False),
    Column("used_s", BigInteger),
    Column("paused_s", BigInteger, nullable=False),
    # Who had the task when it was met or breached, and for which department it counts.
    Column("person", Identifier()),
    Column("department", Identifier()),
    Index("ix_sys_process_clock_process", "app", "process", "decided_at"),
    **CLUSTERED,
)

# -------------------------------------------------------------------------------------------------------- tasks

task = Table(
    "sys_task",
    metadata,
    Column("id", Identifier(), primary_key=True),
    Column("app", NAME, nullable=False),
    # Empty for a task that a rule made.
    Column("instance_id", Identifier(), ForeignKey("sys_process_instance.id", ondelete="CASCADE")),
    # The task's number within the instance's state, and its token's.
    Column("number", Integer),
    Column("token", Integer),
    Column("node", NAME, nullable=False),
    Column("release", Integer, nullable=False),
    # Localised text.
    Column("title", Json(), nullable=False),
    Column("form", NAME),
    Column("layout", NAME),
    Column("subject_form", NAME),
    Column("subject_id", Identifier()),
    # Title of the subject when the task was opened, so that an inbox page reads one table.
    Column("subject_title", Text),
    # open, completed, cancelled
    Column("status", WORD, nullable=False),
    Column("assignee", Identifier()),
    # Who gets it back when a delegate has done the part asked for.
    Column("delegated_by", Identifier()),
    # How the assignee was found, for "why me".
    Column("assigned_because", Text),
    # -1 low, 0 normal, 1 high, 2 urgent
    Column("priority", Integer, nullable=False),
    Column("due_at", Instant()),
    # How its time limits stand: running, warned, paused, breached; empty without any.
    Column("sla", WORD),
    # due_at, or the end of time: what lists are sorted and paged by.
    Column("sort_at", Instant(), nullable=False),
    # Outcomes, field rights and delivery standard of the step.
    Column("details", Json(), nullable=False),
    Column("initiator", Identifier()),
    Column("created_at", Instant(), nullable=False),
    Column("claimed_at", Instant()),
    Column("closed_at", Instant()),
    Column("closed_by", Identifier()),
    Column("outcome", NAME),
    Column("comment", Text),
    Column("version", Integer, nullable=False),
    Index("ix_sys_task_assignee", "assignee", "status", "sort_at", "id", **where_set("assignee")),
    Index("ix_sys_task_instance", "instance_id", "number"),
    Index("ix_sys_task_subject", "subject_form", "subject_id", "status", **where_set("subject_id")),
    Index("ix_sys_task_closed", "closed_by", "closed_at", **where_set("closed_by")),
)

task_candidate = Table(
    "sys_task_candidate",
    metadata,
    Column("task_id", Identifier(), ForeignKey("sys_task.id", ondelete="CASCADE"), primary_key=True),
    # person, role, department
    Column("kind", WORD, primary_key=True),
    # Person or department id as text, qualified role name.
    Column("value", NAME, primary_key=True),
    # True while the task is open and nobody has claimed it.
    Column("offered", Boolean, nullable=False),
    Column("sort_at", Instant(), nullable=False),
    Index("ix_sys_task_candidate_offer", "value", "kind", "offered", "sort_at", "task_id"),
    **CLUSTERED,
)

task_event = Table(
    "sys_task_event",
    metadata,
    Column("id", Identifier(), primary_key=True),
    Column("task_id", Identifier(), ForeignKey("sys_task.id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant(), nullable=False),
    # What happened between opening and closing (both stand in the task's own row): claim, release, assign, delegate …
    Column("kind", WORD, nullable=False),
    Column("actor", Identifier()),
    Column("data", Json(), nullable=False),
    Index("ix_sys_task_event_task", "task_id", "id"),
)

task_copy = Table(
    "sys_task_copy",
    metadata,
    # A person to whom an instance's step was copied (抄送).
    Column("task_id", Identifier(), ForeignKey("sys_task.id", ondelete="CASCADE"), primary_key=True),
    Column("person", Identifier(), primary_key=True),
    Column("at", Instant(), nullable=False),
    Column("by", Identifier()),
    Column("read_at", Instant()),
    Index("ix_sys_task_copy_person", "person", "at"),
)

task_read = Table(
    "sys_task_read",
    metadata,
    # Who has opened a task's page, and when for the first time.
    Column("task_id", Identifier(), ForeignKey("sys_task.id", ondelete="CASCADE"), primary_key=True),
    Column("person", Identifier(), primary_key=True),
    Column("at", Instant(), nullable=False),
    **CLUSTERED,
)

phrase = Table(
    "sys_phrase",
    metadata,
    Column("id", Identifier(), primary_key=True),
    # Whose stock phrase it is; empty for one of an app, which all who decide there may use.
    Column("person", Identifier()),
    Column("app", NAME, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", Instant(), nullable=False),
    Index("ix_sys_phrase_person", "person"),
    Index("ix_sys_phrase_app", "app"),
)

# ------------------------------------------------------------------------------------------------ jobs, effects

job = Table(
    "sys_job",
    metadata,
    Column("id", Identifier(), primary_key=True),
    # Handler that acts: process.timer, rule.timer, schedule, sweep, scores, service …
    Column("kind", WORD, nullable=False),
    # By the workspace's clock, which a sandbox may move.
    Column("due_at", Instant(), nullable=False),
    # waiting, parked, dead; a job that is done has no row.
    Column("state", WORD, nullable=False),
    # Names the job for whoever cancels or replaces it; unique where given.
    Column("key", String(300), unique=True),
    Column("app", NAME, nullable=False),
    Column("instance_id", Identifier()),
    Column("payload", Json(), nullable=False),
    # By the machine's clock: until then the holder alone may act.
    Column("lease_until", Instant()),
    Column("holder", NAME),
    # Fencing token, raised by every claim; acting requires the number claimed.
    Column("fence", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
    Column("created_at", Instant(), nullable=False),
    Index("ix_sys_job_due", "state", "due_at", "id"),
    Index("ix_sys_job_instance", "instance_id"),
)

schedule = Table(
    "sys_schedule",
    metadata,
    # What recurs: a rule, a sweep, a score model, a process start. Its next run is a job with key "schedule:<id>".
    Column("id", Identifier(), primary_key=True),
    Column("app", NAME, nullable=False),
    # rule, score, process
    Column("kind", WORD, nullable=False),
    Column("name", NAME, nullable=False),
    # Cron expression or sentence of the definition, as written.
    Column("expression", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("last_at", Instant()),
    Column("last_outcome", Json()),
    Column("next_at", Instant()),
    UniqueConstraint("app", "kind", "name"),
)

runner_lease = Table(
    "sys_runner_lease",
    metadata,
    # One row per duty ("jobs"): who may run the embedded runner of this workspace.
    Column("name", WORD, primary_key=True),
    Column("holder", NAME, nullable=False),
    Column("lease_until", Instant(), nullable=False),
    Column("fence", Integer, nullable=False),
)

effect = Table(
    "sys_effect",
    metadata,
    # The outbox: what leaves the database after commit, at least once.
    Column("id", Identifier(), primary_key=True),
    # in_app, mail, webhook …
    Column("channel", WORD, nullable=False),
    # Idempotency key, stable over retries, handed to the receiver.
    Column("key", String(300), nullable=False, unique=True),
    Column("app", NAME, nullable=False),
    Column("payload", Json(), nullable=False),
    # pending, sent, held (no transport configured), dead (given up)
    Column("state", WORD, nullable=False),
    Column("attempts", Integer, nullable=False),
    # By the machine's clock.
    Column("next_at", Instant(), nullable=False),
    Column("lease_until", Instant()),
    Column("fence", Integer, nullable=False),
    Column("last_error", Text),
    Column("created_at", Instant(), nullable=False),
    Column("sent_at", Instant()),
    # What it was about, for the record's timeline and the log of mails.
    Column("subject_form", NAME),
    Column("subject_id", Identifier()),
    Column("caused_by", Json()),
    Index("ix_sys_effect_due", "state", "next_at", "id"),
    Index("ix_sys_effect_created", "created_at"),
    Index("ix_sys_effect_subject", "subject_form", "subject_id"),
)

notification = Table(
    "sys_notification",
    metadata,
    Column("id", Identifier(), primary_key=True),
    Column("person", Identifier(), nullable=False),
    Column("at", Instant(), nullable=False),
    Column("app", NAME, nullable=False),
    # task, rule, mention, process, system
    Column("kind", WORD, nullable=False),
    # info, warning, alert, critical
    Column("severity", WORD, nullable=False),
    Column("title", Json(), nullable=False),
    Column("body", Json()),
    Column("subject_form", NAME),
    Column("subject_id", Identifier()),
    Column("task_id", Identifier()),
    # One notice per cause and person.
    Column("key", String(300), unique=True),
    Column("read_at", Instant()),
    Index("ix_sys_notification_person", "person", "read_at", "id"),
    Index("ix_sys_notification_subject", "subject_form", "subject_id"),
)

# ------------------------------------------------------------------------------------------------ rules, scores

rule_firing = Table(
    "sys_rule_firing",
    metadata,
    Column("id", Identifier(), primary_key=True),
    Column("app", NAME, nullable=False),
    Column("rule", NAME, nullable=False),
    Column("release", Integer, nullable=False),
    Column("form", NAME),
    Column("record_id", Identifier()),
    Column("at", Instant(), nullable=False),
    # The event or schedule that set it off.
    Column("cause", NAME, nullable=False),
    Column("command_id", Identifier()),
    Column("inputs", Json(), nullable=False),
    Column("actions", Json(), nullable=False),
    Index("ix_sys_rule_firing_record", "form", "record_id", "id"),
    Index("ix_sys_rule_firing_rule", "app", "rule", "id"),
)

rule_state = Table(
    "sys_rule_state",
    metadata,
    # What a rule remembers about a record: the spell it fired for, whether its condition held, when it fired last.
    Column("app", NAME, primary_key=True),
    Column("rule", NAME, primary_key=True),
    Column("record_id", Identifier(), primary_key=True),
    # Absence and date rules: the instant or date that began the spell, as text; "" for the others.
    Column("spell", NAME, primary_key=True),
    Column("holds", Boolean, nullable=False),
    Column("fired_at", Instant()),
    Index("ix_sys_rule_state_record", "record_id"),
)

pool_member = Table(
    "sys_pool_member",
    metadata,
    # Records that rules have put into a named pool.
    Column("app", NAME, primary_key=True),
    Column("pool", NAME, primary_key=True),
    Column("form", NAME, primary_key=True),
    Column("record_id", Identifier(), primary_key=True),
    Column("at", Instant(), nullable=False),
    Index("ix_sys_pool_member_record", "form", "record_id"),
)

answer_link = Table(
    "sys_answer_link",
    metadata,
    # A link that takes one answer without signing in.
    Column("id", Identifier(), primary_key=True),
    # SHA-256 of the token in the link.
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("app", NAME, nullable=False),
    # yes_no, score
    Column("kind", WORD, nullable=False),
    Column("title", Json(), nullable=False),
    Column("recipient", NAME, nullable=False),
    Column("form", NAME),
    Column("record_id", Identifier()),
    # Message that carries the answer; "" only records it.
    Column("message", NAME, nullable=False),
    # Instance of the process that asked: the reply comes back to it alone.
    Column("instance_id", Identifier()),
    Column("created_at", Instant(), nullable=False),
    Column("expires_at", Instant(), nullable=False),
    Column("answered_at", Instant()),
    Column("answer", Json()),
    Index("ix_sys_answer_link_record", "form", "record_id"),
)

score_run = Table(
    "sys_score_run",
    metadata,
    Column("id", Identifier(), primary_key=True),
    Column("app", NAME, nullable=False),
    Column("model", NAME, nullable=False),
    # 1, 2, 3 … within the model: the version of its cut points.
    Column("version", Integer, nullable=False),
    Column("model_hash", String(64), nullable=False),
    Column("release", Integer, nullable=False),
    # running, done, failed
    Column("state", WORD, nullable=False),
    Column("started_at", Instant(), nullable=False),
    Column("finished_at", Instant()),
    Column("population", BigInteger),
    Column("done", BigInteger, nullable=False),
    Column("cut_points", Json()),
    Column("cause", NAME, nullable=False),
    UniqueConstraint("app", "model", "version"),
)

# ------------------------------------------------------------------------------------------- timeline, comments

value_origin = Table(
    "sys_value_origin",
    metadata,
    # The latest write of a rule, decision, score model or process to a record: what "why" answers from.
    Column("form", NAME, primary_key=True),
    Column("record_id", Identifier(), primary_key=True),
    # rule:<name>, score:<name>, process:<name>
    Column("source", NAME, primary_key=True),
    Column("fields", Json(), nullable=False),
    Column("at", Instant(), nullable=False),
    Column("release", Integer, nullable=False),
    Column("actor", Identifier()),
    # Inputs seen, decision rows matched, cut points used, the event.
    Column("detail", Json(), nullable=False),
)

timeline_entry = Table(
    "sys_timeline_entry",
    metadata,
    Column("id", Identifier(), primary_key=True),
    Column("form", NAME, nullable=False),
    Column("record_id", Identifier(), nullable=False),
    Column("at", Instant(), nullable=False),
    # note (written by a rule), process, task, rule, decision, mail
    Column("kind", WORD, nullable=False),
    Column("actor", Identifier()),
    Column("title", Json(), nullable=False),
    Column("data", Json(), nullable=False),
    Index("ix_sys_timeline_entry_record", "form", "record_id", "at", "id"),
)

comment = Table(
    "sys_comment",
    metadata,
    Column("id", Identifier(), primary_key=True),
    Column("form", NAME),
    Column("record_id", Identifier()),
    Column("task_id", Identifier()),
    Column("instance_id", Identifier()),
    Column("at", Instant(), nullable=False),
    Column("author", Identifier()),
    Column("text", Text, nullable=False),
    Column("mentions", Json(), nullable=False),
    Column("deleted_at", Instant()),
    Index("ix_sys_comment_record", "form", "record_id", "id"),
    Index("ix_sys_comment_instance", "instance_id", "id"),
)
