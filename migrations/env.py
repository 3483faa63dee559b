"""Alembic's entry: migrates the connection that ``builder.storage.migrate`` hands over, in its transaction."""

from alembic import context

from builder.storage.migrate import VERSION_TABLE
from builder.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    # Never: it rebuilds tables and with foreign keys on deletes child rows in silence.
    render_as_batch=False,
    user_module_prefix="",
)
with context.begin_transaction():
    context.run_migrations()
