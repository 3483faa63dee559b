"""The files of one workspace: where bytes are, how large they may be, who looks at them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from builder.files.blobs import BlobStore, open_store
from builder.files.scanning import Scanner, scanner_for
from builder.workspace.settings import Settings

MB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class FileStore:
    """What receiving and giving files needs."""

    blobs: BlobStore
    # None: nothing looks at uploads.
    scanner: Scanner | None
    # Bytes of one file.
    largest: int
    # Bytes of all files; 0: no limit.
    quota: int

    @classmethod
    def open(cls, settings: Settings, workspace: UUID) -> FileStore:
        """The store that the settings name."""
        return cls(
            blobs=open_store(settings.file_store, settings.files, workspace.hex),
            scanner=scanner_for(settings.virus_scanner),
            largest=settings.file_max_mb * MB,
            quota=settings.file_quota_mb * MB,
        )
