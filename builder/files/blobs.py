"""Where bytes are kept: a local folder, S3 or anything else that fsspec reaches. Nothing of it is served as it lies."""

from __future__ import annotations

import posixpath
import secrets
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import fsspec


class _FileSystem(Protocol):
    """The part of fsspec's file systems that is used."""

    def put_file(self, lpath: str, rpath: str) -> None: ...
    def mv(self, path1: str, path2: str) -> None: ...
    def open(self, path: str, mode: str) -> object: ...
    def rm_file(self, path: str) -> None: ...
    def exists(self, path: str) -> bool: ...
    def makedirs(self, path: str, exist_ok: bool) -> None: ...


class BlobStore:
    """Bytes by key under one root. Keys are made here, never from names that people give."""

    def __init__(self, filesystem: _FileSystem, root: str) -> None:
        self._filesystem = filesystem
        self._root = root.rstrip("/")

    @staticmethod
    def new_key() -> str:
        """A key that nobody can guess, spread over 256 folders."""
        name = secrets.token_hex(20)
        return f"{name[:2]}/{name}"

    def put(self, key: str, source: Path) -> None:
        """Keeps the bytes of a local file; they appear under ``key`` whole or not at all."""
        target = self._path(key)
        self._filesystem.makedirs(posixpath.dirname(target), exist_ok=True)
        part = f"{target}.part"
        self._filesystem.put_file(str(source), part)
        self._filesystem.mv(part, target)

    def open(self, key: str) -> BinaryIO:
        """The bytes, to be read and searched through; ``FileNotFoundError`` where there are none."""
        return cast("BinaryIO", self._filesystem.open(self._path(key), "rb"))

    def delete(self, key: str) -> None:
        """Takes the bytes away, where there are any."""
        if self._filesystem.exists(self._path(key)):
            self._filesystem.rm_file(self._path(key))

    def exists(self, key: str) -> bool:
        """Whether there are bytes under ``key``."""
        return self._filesystem.exists(self._path(key))

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"


def open_store(url: str, folder: Path, part: str) -> BlobStore:
    """The store at an fsspec ``url``, or in ``folder`` where that is empty; ``part`` keeps workspaces apart."""
    if not url:
        return BlobStore(fsspec.filesystem("file"), str(folder.absolute() / part))
    # What is listed is never asked for twice, and other processes write too.
    options = {"use_listings_cache": False} if url.startswith("s3:") else {}
    filesystem, root = fsspec.core.url_to_fs(url, **options)
    return BlobStore(filesystem, f"{root}/{part}")
