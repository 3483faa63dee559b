"""Files from upload to erasure: what is taken, who may attach and read, what goes away and when."""

from __future__ import annotations

import socket
import struct
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from builder.files import Clamd, FileInfo, FileStore, Verdict, WorkFiles, file_info, sweep, thumbnail_key
from builder.files.media_types import media_type
from builder.files.receiving import clean_name
from builder.files.sweeping import PATIENCE
from builder.storage.file_tables import file as table
from builder.workspace import Settings, Work, Workspace
from engines.core import SYSTEM, AccessDenied, ExternalError, InputError, Principal

from .conftest import SPECIMEN, Send, create, person, picture, told

KEEPER = person("keeper")
VIEWER = person("viewer")


def info_of(workspace: Workspace, id: UUID) -> FileInfo | None:
    with workspace.read(SYSTEM) as work:
        return file_info(work.connection, id)


def may_read(workspace: Workspace, who: Principal, id: UUID) -> bool:
    with workspace.read(who) as work:
        info = file_info(work.connection, id)
        return info is not None and WorkFiles(work, who).may_read(info)


def codes(error: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [problem.code for problem in error.value.problems]


# -- taking in


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.png", picture(), "image/png"),
        ("a.txt", picture(kind="JPEG"), "image/jpeg"),
        ("a.png", b"<html><script>alert(1)</script></html>", "text/html"),
        ("a.pdf", b"%PDF-1.7\n", "application/pdf"),
        ("a.csv", "名称,数量\n".encode("gb18030"), "text/csv"),
        ("a.json", b'{"a": 1}', "application/json"),
        ("a", b"plain", "text/plain"),
        ("a.bin", bytes(range(256)), "application/octet-stream"),
    ],
)
def test_a_file_is_what_its_content_says(tmp_path: Path, name: str, data: bytes, expected: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    assert media_type(path, name) == expected


def test_an_archive_is_a_document_only_with_the_parts_of_one(tmp_path: Path) -> None:
    for parts, expected in ((["[Content_Types].xml", "xl/workbook.xml"], "spreadsheetml.sheet"), (["a.txt"], "zip")):
        path = tmp_path / "x"
        with zipfile.ZipFile(path, "w") as archive:
            for part in parts:
                archive.writestr(part, "x")
        assert media_type(path, "a.xlsx").endswith(expected)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\报价.xlsx", "报价.xlsx"),
        ("a\nb\x00.txt", "ab.txt"),
        ("", "file"),
        (".", "file"),
    ],
)
def test_a_name_holds_no_path_and_no_signs_that_are_not_seen(name: str, kept: str) -> None:
    assert clean_name(name) == kept
    assert clean_name("长" * 300 + ".pdf").endswith(".pdf")
    assert len(clean_name("长" * 300 + ".pdf")) == 200


def test_an_upload_is_kept_outside_under_a_name_of_our_own(gallery: Workspace, send: Send) -> None:
    stored = send(KEEPER, "报价.png", picture(800, 600))
    info = info_of(gallery, stored.id)
    assert info is not None
    assert (info.state, info.type, info.record_id, info.thumbnail) == ("staged", "image/png", None, True)
    assert "报价" not in info.blob
    with gallery.files.blobs.open(thumbnail_key(info.blob)) as small:
        data = small.read()
    assert data[8:12] == b"WEBP"
    assert stored.id.version == 4, "ids of files are random"


@pytest.mark.parametrize(
    ("data", "limits", "code"),
    [
        (b"", {}, "file.empty"),
        (b"x" * 20, {"max_size": 10}, "form.file_too_large"),
        (b"text", {"kinds": ("image/*",)}, "form.file_type"),
        (b"\x89PNG\r\n\x1a\nbroken", {"picture": True}, "file.not_a_picture"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', {"picture": True}, "file.not_a_picture"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    gallery: Workspace, send: Send, data: bytes, limits: dict[str, object], code: str
) -> None:
    with pytest.raises(InputError) as caught:
        send(KEEPER, data=data, **limits)
    assert codes(caught) == [code]
    with gallery.read(SYSTEM) as work:
        assert work.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0


def test_a_picture_of_endless_size_is_not_opened(gallery: Workspace, send: Send) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + b"\0\0\0\0"
    stored = send(KEEPER, "bomb.png", bomb)
    info = info_of(gallery, stored.id)
    assert info is not None
    assert not info.thumbnail


def test_a_workspace_has_room_for_so_much(gallery: Workspace, send: Send) -> None:
    gallery.files = replace(gallery.files, quota=100)  # type: ignore[misc]
    send(KEEPER, data=b"x" * 60)
    with pytest.raises(InputError) as caught:
        send(KEEPER, data=b"x" * 60)
    assert codes(caught) == ["file.no_room"]


class _Suspicious:
    def scan(self, path: Path) -> Verdict:
        return Verdict(clean=b"EICAR" not in path.read_bytes(), found="Eicar")


class _Away:
    def scan(self, path: Path) -> Verdict:
        raise ExternalError("away")


def test_a_scanner_sees_every_upload_and_without_its_word_nothing_is_taken(gallery: Workspace, send: Send) -> None:
    gallery.files = replace(gallery.files, scanner=_Suspicious())  # type: ignore[misc]
    send(KEEPER, data=b"harmless")
    with pytest.raises(InputError) as caught:
        send(KEEPER, data=b"EICAR")
    assert codes(caught) == ["file.infected"]
    gallery.files = replace(gallery.files, scanner=_Away())  # type: ignore[misc]
    with pytest.raises(InputError) as caught:
        send(KEEPER, data=b"harmless")
    assert codes(caught) == ["file.scanner_unreachable"]


@pytest.fixture
def daemon() -> Iterator[int]:
    """A stand-in that speaks clamd's INSTREAM and finds "EICAR"."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            with link, link.makefile("rb") as stream:
                assert stream.read(10) == b"zINSTREAM\0"
                data = b""
                while size := struct.unpack("!I", stream.read(4))[0]:
                    data += stream.read(size)
                link.sendall(b"stream: Eicar FOUND\0" if b"EICAR" in data else b"stream: OK\0")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def test_clamd_is_asked_in_its_own_words(daemon: int, tmp_path: Path) -> None:
    path, scanner = tmp_path / "x", Clamd("127.0.0.1", daemon)
    path.write_bytes(b"x" * 200_000)
    assert scanner.scan(path) == Verdict(clean=True)
    path.write_bytes(b"EICAR")
    assert scanner.scan(path) == Verdict(clean=False, found="Eicar")
    with pytest.raises(ExternalError):
        Clamd("127.0.0.1", 1).scan(path)


# -- attaching


def test_a_file_is_attached_with_its_record_or_not_at_all(gallery: Workspace, send: Send) -> None:
    stored = send(KEEPER)
    with pytest.raises(InputError):
        create(gallery, KEEPER, papers=[told(stored)], stars=99)
    assert info_of(gallery, stored.id).state == "staged"  # type: ignore[union-attr]

    def fail(work: Work) -> None:
        work.records.create(SPECIMEN, {"name": "x", "papers": [told(stored)]})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        gallery.run(fail, KEEPER, command="test")
    assert info_of(gallery, stored.id).state == "staged"  # type: ignore[union-attr]
    id = create(gallery, KEEPER, papers=[told(stored)])
    info = info_of(gallery, stored.id)
    assert info is not None
    assert (info.state, info.form, info.field, info.record_id) == ("attached", SPECIMEN, "papers", id)


def test_what_is_sent_with_an_id_does_not_count(gallery: Workspace, send: Send) -> None:
    stored = send(KEEPER, "real.txt", b"words")
    id = create(gallery, KEEPER, papers=[told(stored, name="fake.png", size=1, type="image/png")])
    with gallery.read(KEEPER) as work:
        assert work.records.get(SPECIMEN, id).values["papers"] == [told(stored)]
    again = send(KEEPER, "real.txt", b"words")
    with pytest.raises(InputError) as caught:
        create(gallery, KEEPER, photos=[told(again, type="image/png")])
    assert codes(caught) == ["form.file_type"]


def test_nobody_attaches_what_another_person_uploaded(gallery: Workspace, send: Send) -> None:
    stored = send(KEEPER)
    with pytest.raises(InputError) as caught:
        create(gallery, person("keeper"), papers=[told(stored)])
    assert codes(caught) == ["form.unknown_file"]
    with pytest.raises(InputError) as caught:
        create(gallery, KEEPER, papers=[{**told(stored), "id": str(uuid4())}])
    assert codes(caught) == ["form.unknown_file"]


def test_a_file_of_a_hidden_field_cannot_be_drawn_into_another(gallery: Workspace, send: Send) -> None:
    """Whoever may not read the contract cannot copy it by its id either."""
    contract = send(KEEPER, "c.pdf", b"%PDF-1.7\n", field="contract")
    create(gallery, KEEPER, contract=[told(contract)])
    clerk = replace(person("viewer"), roles=frozenset({"gallery.viewer", "gallery.public"}))
    with pytest.raises(InputError) as caught, gallery.work(clerk, command="test") as work:
        work.records.create(SPECIMEN, {"name": "x", "photos": [told(contract)]})
    assert "form.unknown_file" in codes(caught) or "form.file_type" in codes(caught)
    assert not may_read(gallery, clerk, contract.id)


def test_rows_hold_files_too_and_keep_them_in_history(gallery: Workspace, send: Send) -> None:
    first, second = (send(KEEPER, f"{n}.png", picture(), field="parts.photo") for n in "ab")
    id = create(gallery, KEEPER, parts=[{"part": "arm", "photo": [told(first)]}])
    with gallery.work(KEEPER, command="test") as work:
        row = work.records.get(SPECIMEN, id).values["parts"][0]
        work.records.update(SPECIMEN, id, {"parts": [{"id": row["id"], "part": "arm", "photo": [told(second)]}]})
    assert info_of(gallery, first.id).field == "parts.photo"  # type: ignore[union-attr]
    with gallery.read(KEEPER) as work:
        newest = work.records.history(SPECIMEN, id)[0]
    change = next(item for item in newest.changes if item.field.startswith("parts/"))
    assert (change.before["photo"], change.after["photo"]) == ([told(first)], [told(second)])  # type: ignore[index]
    assert may_read(gallery, KEEPER, first.id), "earlier versions stay whole"
    with gallery.work(KEEPER, command="test") as work:
        work.records.update(SPECIMEN, id, {"parts": [{"part": "arm", "photo": [told(first)]}]})


def test_a_copy_has_files_of_its_own_with_the_same_bytes(gallery: Workspace, send: Send) -> None:
    stored = send(KEEPER)
    create(gallery, KEEPER, papers=[told(stored)])
    other = person("keeper")
    copy = create(gallery, other, papers=[told(stored)])
    with gallery.read(other) as work:
        held = work.records.get(SPECIMEN, copy).values["papers"][0]
    mine, theirs = info_of(gallery, UUID(held["id"])), info_of(gallery, stored.id)
    assert mine is not None
    assert theirs is not None
    assert mine.id != theirs.id
    assert (mine.blob, mine.record_id) == (theirs.blob, copy)


def test_a_batch_refuses_the_rows_with_files_that_are_not_its_own(gallery: Workspace, send: Send) -> None:
    mine, other = send(KEEPER), send(person("keeper"))
    rows = [{"name": "a", "papers": [told(mine)]}, {"name": "b", "papers": [told(other)]}]
    with gallery.work(KEEPER, command="test") as work:
        result = work.records.create_many(SPECIMEN, rows)
    assert [problem.code for problem in result.problems[1]] == ["form.unknown_file"]
    assert info_of(gallery, mine.id).record_id == result.ids[0]  # type: ignore[union-attr]


# -- reading


def test_bytes_go_with_the_record_and_the_field(gallery: Workspace, send: Send) -> None:
    paper = send(KEEPER)
    contract = send(KEEPER, "c.pdf", b"%PDF-1.7\n", field="contract")
    assert may_read(gallery, KEEPER, paper.id)
    assert not may_read(gallery, person("keeper"), paper.id), "a waiting file is its uploader's alone"
    id = create(gallery, KEEPER, papers=[told(paper)], contract=[told(contract)])
    assert may_read(gallery, VIEWER, paper.id)
    assert not may_read(gallery, VIEWER, contract.id), "the field is hidden from viewers"
    assert not may_read(gallery, person("outsider"), paper.id)
    with gallery.work(KEEPER, command="test") as work:
        work.records.delete(SPECIMEN, id)
    assert not may_read(gallery, VIEWER, paper.id), "what is in the recycle bin is out of sight"
    with gallery.work(VIEWER, command="test") as work, pytest.raises(AccessDenied):
        work.records.update(SPECIMEN, id, {"papers": None})


# -- going away


def test_uploads_that_no_record_took_are_swept(gallery: Workspace, send: Send) -> None:
    kept, lost = send(KEEPER), send(KEEPER)
    create(gallery, KEEPER, papers=[told(kept)])
    blobs = {file.id: info_of(gallery, file.id).blob for file in (kept, lost)}  # type: ignore[union-attr]
    assert sweep(gallery) == 0
    with gallery.database.write() as connection:
        connection.execute(sa.update(table).values(created_at=gallery.clock.now() - PATIENCE - timedelta(hours=1)))
    assert sweep(gallery) == 1
    assert info_of(gallery, lost.id) is None
    assert not gallery.files.blobs.exists(blobs[lost.id])
    assert gallery.files.blobs.exists(blobs[kept.id])


def test_erasing_a_person_takes_their_files_in_all_versions(gallery: Workspace, send: Send) -> None:
    first, second = send(KEEPER, field="face"), send(KEEPER, field="face")
    with gallery.work(KEEPER, command="test") as work:
        made = work.records.create(SPECIMEN, {"name": "x", "portrait": [told(first)]}).record.id
        work.records.update(SPECIMEN, made, {"portrait": [told(second)]})
    copied = create(gallery, person("keeper"), papers=[told(second)])
    blobs = [info_of(gallery, file.id).blob for file in (first, second)]  # type: ignore[union-attr]
    with gallery.work(KEEPER, command="test") as work:
        work.records.of(SPECIMEN).erase(SPECIMEN, made)
    assert [info_of(gallery, file.id) for file in (first, second)] == [None, None]
    assert [gallery.files.blobs.exists(blob) for blob in blobs] == [False, True], "a copy elsewhere keeps its bytes"
    with gallery.read(KEEPER) as work:
        assert work.records.get(SPECIMEN, copied).values["papers"]
        assert all(
            change.field != "portrait" for version in work.records.history(SPECIMEN, made) for change in version.changes
        )


# -- elsewhere


def test_bytes_may_lie_in_another_store(tmp_path: Path) -> None:
    settings = Settings(files=tmp_path, file_store="memory://attachments")
    store = FileStore.open(settings, uuid4())
    path = tmp_path / "x"
    path.write_bytes(b"words")
    key = store.blobs.new_key()
    store.blobs.put(key, path)
    with store.blobs.open(key) as stream:
        assert stream.read() == b"words"
    store.blobs.delete(key)
    store.blobs.delete(key)
    assert not store.blobs.exists(key)
    with pytest.raises(ValueError, match="virus scanner"):
        FileStore.open(replace(settings, virus_scanner="http://x"), uuid4())


def test_bytes_may_lie_in_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a server that speaks S3."""
    import boto3
    from moto.server import ThreadedMotoServer

    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    try:
        boto3.client("s3").create_bucket(Bucket="bucket")
        store = FileStore.open(Settings(files=tmp_path, file_store="s3://bucket/files"), uuid4())
        path = tmp_path / "x"
        path.write_bytes(b"words" * 1000)
        key = store.blobs.new_key()
        store.blobs.put(key, path)
        with store.blobs.open(key) as stream:
            assert stream.seek(0, 2) == 5000
            stream.seek(5)
            assert stream.read(5) == b"words"
        with pytest.raises(FileNotFoundError):
            store.blobs.open(store.blobs.new_key())
        store.blobs.delete(key)
        assert not store.blobs.exists(key)
    finally:
        server.stop()
