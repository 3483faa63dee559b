"""All system tables: importing this fills ``metadata`` for migrations and tests."""

from builder.storage import (
    bulk_tables,
    file_tables,
    identity_tables,
    import_tables,
    link_tables,
    people_tables,
    release_tables,
    runtime_tables,
    share_tables,
    view_tables,
    workspace_tables,
)
from builder.storage.metadata import metadata

__all__ = [
    "bulk_tables",
    "file_tables",
    "identity_tables",
    "import_tables",
    "link_tables",
    "metadata",
    "people_tables",
    "release_tables",
    "runtime_tables",
    "share_tables",
    "view_tables",
    "workspace_tables",
]
