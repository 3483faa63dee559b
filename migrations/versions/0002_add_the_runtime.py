"""Add the tables of the runtime: processes, tasks, jobs, effects, notices, rule states, scores

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from builder.storage.types import Identifier, Instant, Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sys_answer_link",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("app", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("title", Json(), nullable=False),
        sa.Column("recipient", sa.String(length=200), nullable=False),
        sa.Column("form", sa.String(length=200), nullable=True),
        sa.Column("record_id", Identifier(), nullable=True),
        sa.Column("message", sa.String(length=200), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("answer", Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_answer_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sys_answer_link_token_hash")),
    )
    op.create_index("ix_sys_answer_link_record", "sys_answer_link", ["form", "record_id"], unique=False)
    op.create_table(
        "sys_comment",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("form", sa.String(length=200), nullable=True),
        sa.Column("record_id", Identifier(), nullable=True),
        sa.Column("task_id", Identifier(), nullable=True),
        sa.Column("instance_id", Identifier(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("author", Identifier(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("mentions", Json(), nullable=False),
        sa.Column("deleted_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_comment")),
    )
    op.create_index("ix_sys_comment_instance", "sys_comment", ["instance_id", "id"], unique=False)
    op.create_index("ix_sys_comment_record", "sys_comment", ["form", "record_id", "id"], unique=False)
    op.create_table(
        "sys_effect",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("app", sa.String(length=200), nullable=False),
        sa.Column("payload", Json(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("subject_form", sa.String(length=200), nullable=True),
        sa.Column("subject_id", Identifier(), nullable=True),
        sa.Column("caused_by", Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_effect")),
        sa.UniqueConstraint("key", name=op.f("uq_sys_effect_key")),
    )
    op.create_index("ix_sys_effect_created", "sys_effect", ["created_at"], unique=False)
    op.create_index("ix_sys_effect_due", "sys_effect", ["state", "next_at", "id"], unique=False)
    op.create_index("ix_sys_effect_subject", "sys_effect", ["subject_form", "subject_id"], unique=False)
    op.create_table(
        "sys_job",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=True),
        sa.Column("app", sa.String(length=200), nullable=False),
        sa.Column("instance_id", Identifier(), nullable=True),
        sa.Column("payload", Json(), nullable=False),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("holder", sa.String(length=200), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_job")),
        sa.UniqueConstraint("key", name=op.f("uq_sys_job_key")),
    )
    op.create_index("ix_sys_job_due", "sys_job", ["state", "due_at", "id"], unique=False)
    op.create_index("ix_sys_job_instance", "sys_job", ["instance_id"], unique=False)
    op.create_table(
        "sys_notification",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("person", Identifier(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("app", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("severity", sa.String(length=40), nullable=False),
        sa.Column("title", Json(), nullable=False),
        sa.Column("body", Json(), nullable=True),
        sa.Column("subject_form", sa.String(length=200), nullable=True),
        sa.Column("subject_id", Identifier(), nullable=True),
        sa.Column("task_id", Identifier(), nullable=True),
        sa.Column("key", sa.String(length=300), nullable=True),
        sa.Column("read_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_notification")),
        sa.UniqueConstraint("key", name=op.f("uq_sys_notification_key")),
    )
    op.create_index("ix_sys_notification_person", "sys_notification", ["person", "read_at", "id"], unique=False)
    op.create_index("ix_sys_notification_subject", "sys_notification", ["subject_form", "subject_id"], unique=False)
    op.create_table(
        "sys_pool_member",
        sa.Column("app", sa.String(length=200), nullable=False),
        sa.Column("pool", sa.String(length=200), nullable=False),
        sa.Column("form", sa.String(length=200), nullable=False),
        sa.Column("record_id", Identifier(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("app", "pool", "form", "record_id", name=op.f("pk_sys_pool_member")),
    )
    op.create_index("ix_sys_pool_member_record", "sys_pool_member", ["form", "record_id"], unique=False)
    op.create_table(
        "sys_process_instance",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("app", sa.String(length=200), nullable=False),
        sa.Column("process", sa.String(length=200), nullable=False),
        sa.Column("definition_hash", sa.String(length=64), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("subject_form", sa.String(length=200), nullable=True),
        sa.Column("subject_id", Identifier(), nullable=True),
        sa.Column("parent_id", Identifier(), nullable=True),
        sa.Column("parent_token", sa.Integer(), nullable=True),
        sa.Column("root_id", Identifier(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("incidents", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("head", Json(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("started_by", Identifier(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("history_length", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_process_instance")),
    )
    op.create_index("ix_sys_process_instance_parent", "sys_process_instance", ["parent_id"], unique=False)
    op.create_index(
        "ix_sys_process_instance_process", "sys_process_instance", ["app", "process", "status"], unique=False
    )
    op.create_index(
        "ix_sys_process_instance_starter", "sys_process_instance", ["started_by", "started_at"], unique=False
    )
    op.create_index(
        "ix_sys_process_instance_subject", "sys_process_instance", ["subject_form", "subject_id"], unique=False
    )
    op.create_table(
        "sys_rule_firing",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("app", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=200), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("form", sa.String(length=200), nullable=True),
        sa.Column("record_id", Identifier(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("cause", sa.String(length=200), nullable=False),
        sa.Column("command_id", Identifier(), nullable=True),
        sa.Column("inputs", Json(), nullable=False),
        sa.Column("actions", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_rule_firing")),
    )
    op.create_index("ix_sys_rule_firing_record", "sys_rule_firing", ["form", "record_id", "id"], unique=False)
    op.create_index("ix_sys_rule_firing_rule", "sys_rule_firing", ["app", "rule", "id"], unique=False)
    op.create_table(
        "sys_rule_state",
        sa.Column("app", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=200), nullable=False),
        sa.Column("record_id", Identifier(), nullable=False),
        sa.Column("spell", sa.String(length=200), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("fired_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("app", "rule", "record_id", "spell", name=op.f("pk_sys_rule_state")),
    )
    op.create_index("ix_sys_rule_state_record", "sys_rule_state", ["record_id"], unique=False)
    op.create_table(
        "sys_runner_lease",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.Column("lease_until", Instant(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sys_runner_lease")),
    )
    op.create_table(
        "sys_schedule",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("app", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("last_at", Instant(), nullable=True),
        sa.Column("last_outcome", Json(), nullable=True),
        sa.Column("next_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_schedule")),
        sa.UniqueConstraint("app", "kind", "name", name=op.f("uq_sys_schedule_app_kind_name")),
    )
    op.create_table(
        "sys_score_run",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("app", sa.String(length=200), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("model_hash", sa.String(length=64), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("population", sa.BigInteger(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("cut_points", Json(), nullable=True),
        sa.Column("cause", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_score_run")),
        sa.UniqueConstraint("app", "model", "version", name=op.f("uq_sys_score_run_app_model_version")),
    )
    op.create_table(
        "sys_timeline_entry",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("form", sa.String(length=200), nullable=False),
        sa.Column("record_id", Identifier(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("actor", Identifier(), nullable=True),
        sa.Column("title", Json(), nullable=False),
        sa.Column("data", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_timeline_entry")),
    )
    op.create_index(
        "ix_sys_timeline_entry_record", "sys_timeline_entry", ["form", "record_id", "at", "id"], unique=False
    )
    op.create_table(
        "sys_value_origin",
        sa.Column("form", sa.String(length=200), nullable=False),
        sa.Column("record_id", Identifier(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("fields", Json(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("actor", Identifier(), nullable=True),
        sa.Column("detail", Json(), nullable=False),
        sa.PrimaryKeyConstraint("form", "record_id", "source", name=op.f("pk_sys_value_origin")),
    )
    op.create_table(
        "sys_process_history",
        sa.Column("instance_id", Identifier(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("node", sa.String(length=200), nullable=True),
        sa.Column("actor", Identifier(), nullable=True),
        sa.Column("data", Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["sys_process_instance.id"],
            name=op.f("fk_sys_process_history_instance_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("instance_id", "number", name=op.f("pk_sys_process_history")),
    )
    op.create_table(
        "sys_process_live",
        sa.Column("instance_id", Identifier(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("node", sa.String(length=200), nullable=True),
        sa.Column("data", Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["sys_process_instance.id"],
            name=op.f("fk_sys_process_live_instance_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("instance_id", "kind", "key", name=op.f("pk_sys_process_live")),
    )
    op.create_index("ix_sys_process_live_node", "sys_process_live", ["kind", "node"], unique=False)
    op.create_table(
        "sys_process_subscription",
        sa.Column("instance_id", Identifier(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("correlation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["sys_process_instance.id"],
            name=op.f("fk_sys_process_subscription_instance_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("instance_id", "key", name=op.f("pk_sys_process_subscription")),
    )
    op.create_index(
        "ix_sys_process_subscription_name", "sys_process_subscription", ["kind", "name", "correlation"], unique=False
    )
    op.create_table(
        "sys_task",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("app", sa.String(length=200), nullable=False),
        sa.Column("instance_id", Identifier(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("token", sa.Integer(), nullable=True),
        sa.Column("node", sa.String(length=200), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("title", Json(), nullable=False),
        sa.Column("form", sa.String(length=200), nullable=True),
        sa.Column("layout", sa.String(length=200), nullable=True),
        sa.Column("subject_form", sa.String(length=200), nullable=True),
        sa.Column("subject_id", Identifier(), nullable=True),
        sa.Column("subject_title", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("assignee", Identifier(), nullable=True),
        sa.Column("delegated_by", Identifier(), nullable=True),
        sa.Column("assigned_because", sa.Text(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("sort_at", Instant(), nullable=False),
        sa.Column("details", Json(), nullable=False),
        sa.Column("initiator", Identifier(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("claimed_at", Instant(), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("closed_by", Identifier(), nullable=True),
        sa.Column("outcome", sa.String(length=200), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["sys_process_instance.id"], name=op.f("fk_sys_task_instance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_task")),
    )
    op.create_index("ix_sys_task_assignee", "sys_task", ["assignee", "status", "sort_at", "id"], unique=False)
    op.create_index("ix_sys_task_closed", "sys_task", ["closed_by", "closed_at"], unique=False)
    op.create_index("ix_sys_task_instance", "sys_task", ["instance_id", "number"], unique=False)
    op.create_index("ix_sys_task_subject", "sys_task", ["subject_form", "subject_id", "status"], unique=False)
    op.create_table(
        "sys_task_candidate",
        sa.Column("task_id", Identifier(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.Column("sort_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["task_id"], ["sys_task.id"], name=op.f("fk_sys_task_candidate_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "kind", "value", name=op.f("pk_sys_task_candidate")),
    )
    op.create_index(
        "ix_sys_task_candidate_offer",
        "sys_task_candidate",
        ["value", "kind", "offered", "sort_at", "task_id"],
        unique=False,
    )
    op.create_table(
        "sys_task_copy",
        sa.Column("task_id", Identifier(), nullable=False),
        sa.Column("person", Identifier(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", Identifier(), nullable=True),
        sa.Column("read_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["task_id"], ["sys_task.id"], name=op.f("fk_sys_task_copy_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "person", name=op.f("pk_sys_task_copy")),
    )
    op.create_index("ix_sys_task_copy_person", "sys_task_copy", ["person", "at"], unique=False)
    op.create_table(
        "sys_task_event",
        sa.Column("id", Identifier(), nullable=False),
        sa.Column("task_id", Identifier(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("actor", Identifier(), nullable=True),
        sa.Column("data", Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["task_id"], ["sys_task.id"], name=op.f("fk_sys_task_event_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sys_task_event")),
    )
    op.create_index("ix_sys_task_event_task", "sys_task_event", ["task_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_sys_task_event_task", table_name="sys_task_event")
    op.drop_table("sys_task_event")
    op.drop_index("ix_sys_task_copy_person", table_name="sys_task_copy")
    op.drop_table("sys_task_copy")
    op.drop_index("ix_sys_task_candidate_offer", table_name="sys_task_candidate")
    op.drop_table("sys_task_candidate")
    op.drop_index("ix_sys_task_subject", table_name="sys_task")
    op.drop_index("ix_sys_task_instance", table_name="sys_task")
    op.drop_index("ix_sys_task_closed", table_name="sys_task")
    op.drop_index("ix_sys_task_assignee", table_name="sys_task")
    op.drop_table("sys_task")
    op.drop_index("ix_sys_process_subscription_name", table_name="sys_process_subscription")
    op.drop_table("sys_process_subscription")
    op.drop_index("ix_sys_process_live_node", table_name="sys_process_live")
    op.drop_table("sys_process_live")
    op.drop_table("sys_process_history")
    op.drop_table("sys_value_origin")
    op.drop_index("ix_sys_timeline_entry_record", table_name="sys_timeline_entry")
    op.drop_table("sys_timeline_entry")
    op.drop_table("sys_score_run")
    op.drop_table("sys_schedule")
    op.drop_table("sys_runner_lease")
    op.drop_index("ix_sys_rule_state_record", table_name="sys_rule_state")
    op.drop_table("sys_rule_state")
    op.drop_index("ix_sys_rule_firing_rule", table_name="sys_rule_firing")
    op.drop_index("ix_sys_rule_firing_record", table_name="sys_rule_firing")
    op.drop_table("sys_rule_firing")
    op.drop_index("ix_sys_process_instance_subject", table_name="sys_process_instance")
    op.drop_index("ix_sys_process_instance_starter", table_name="sys_process_instance")
    op.drop_index("ix_sys_process_instance_process", table_name="sys_process_instance")
    op.drop_index("ix_sys_process_instance_parent", table_name="sys_process_instance")
    op.drop_table("sys_process_instance")
    op.drop_index("ix_sys_pool_member_record", table_name="sys_pool_member")
    op.drop_table("sys_pool_member")
    op.drop_index("ix_sys_notification_subject", table_name="sys_notification")
    op.drop_index("ix_sys_notification_person", table_name="sys_notification")
    op.drop_table("sys_notification")
    op.drop_index("ix_sys_job_instance", table_name="sys_job")
    op.drop_index("ix_sys_job_due", table_name="sys_job")
    op.drop_table("sys_job")
    op.drop_index("ix_sys_effect_subject", table_name="sys_effect")
    op.drop_index("ix_sys_effect_due", table_name="sys_effect")
    op.drop_index("ix_sys_effect_created", table_name="sys_effect")
    op.drop_table("sys_effect")
    op.drop_index("ix_sys_comment_record", table_name="sys_comment")
    op.drop_index("ix_sys_comment_instance", table_name="sys_comment")
    op.drop_table("sys_comment")
    op.drop_index("ix_sys_answer_link_record", table_name="sys_answer_link")
    op.drop_table("sys_answer_link")
