"""Files of records: received, looked at, kept outside every web root, and given only with the record's rights."""

from builder.files.blobs import BlobStore, open_store
from builder.files.receiving import Upload, receive
from builder.files.registry import FileInfo, file_info, thumbnail_key
from builder.files.scanning import Clamd, Scanner, Verdict, scanner_for
from builder.files.store import FileStore
from builder.files.sweeping import sweep
from builder.files.work_files import WorkFiles, holder_of

__all__ = [
    "BlobStore",
    "Clamd",
    "FileInfo",
    "FileStore",
    "Scanner",
    "Upload",
    "Verdict",
    "WorkFiles",
    "file_info",
    "holder_of",
    "open_store",
    "receive",
    "scanner_for",
    "sweep",
    "thumbnail_key",
]
