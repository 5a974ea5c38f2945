import asyncio
import hashlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.storage.compression import FRAME_BYTES, CorruptObject, ZstdWriter, unzstd_stream
from app.kernel.storage.object_storage import (
    BLOCK_BYTES,
    TEMPORARY,
    InvalidKeyError,
    ObjectNotFound,
    ObjectStorage,
    StorageUnavailable,
    UnsupportedStorageError,
    check_key,
)
from tests.waiting import eventually


@pytest.fixture(params=["file", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStorage:
    return ObjectStorage.open(f"file://{tmp_path}/made/on%20demand" if request.param == "file" else "memory:///")


@pytest.fixture
def local(tmp_path: Path) -> ObjectStorage:
    return ObjectStorage.open(f"file://{tmp_path}")


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def read(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in stream])


class Collected:
    """A target that keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    async def write(self, data: bytes) -> None:
        self.data += data


async def packed(*parts: bytes) -> bytes:
    target = Collected()
    async with ZstdWriter(target) as writer:
        for part in parts:
            await writer.write(part)
    return target.data


async def keys(storage: ObjectStorage, prefix: str = "") -> list[str]:
    return sorted([info.key async for info in storage.list(prefix)])


def files(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, 3 * BLOCK_BYTES + 5, 20 * 1024 * 1024])
async def test_what_is_put_is_what_is_got(storage: ObjectStorage, size: int) -> None:
    data = os.urandom(size)
    stored = await storage.put_stream("raw/2026/batch-1.ndjson", chunks(data[: size // 3], data[size // 3 :]))
    assert (stored.key, stored.size) == ("raw/2026/batch-1.ndjson", size)
    assert stored.sha256 == hashlib.sha256(data).hexdigest()
    assert await read(storage.get_stream(stored.key)) == data
    assert (await storage.head(stored.key)).size == size


@pytest.mark.parametrize(
    ("start", "end"), [(0, 5), (3, None), (BLOCK_BYTES - 1, BLOCK_BYTES + 1), (7, 7), (9**9, None), (0, 9**9)]
)
async def test_ranges(storage: ObjectStorage, start: int, end: int | None) -> None:
    data = os.urandom(BLOCK_BYTES + 100)
    await storage.put_stream("a", chunks(data))
    assert await read(storage.get_stream("a", start, end)) == data[start:end]


async def test_nothing_is_visible_before_the_end_or_after_an_exception(storage: ObjectStorage) -> None:
    async def abort() -> None:
        async with storage.writer("x/y") as writer:
            for _ in range(8):
                await writer.write(os.urandom(BLOCK_BYTES))
            assert not await storage.exists("x/y")
            assert await keys(storage) == []
            raise LookupError

    with pytest.raises(LookupError):
        await abort()
    assert not await storage.exists("x/y")
    assert await keys(storage) == []


async def test_an_exception_leaves_no_file_behind(local: ObjectStorage, tmp_path: Path) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield os.urandom(3 * BLOCK_BYTES)
        raise LookupError

    with pytest.raises(LookupError):
        await local.put_stream("x", failing())
    assert files(tmp_path) == []


async def test_an_object_is_replaced_whole(local: ObjectStorage) -> None:
    first, second = os.urandom(3 * BLOCK_BYTES), os.urandom(2 * BLOCK_BYTES)
    await local.put_stream("x", chunks(first))
    stream = local.get_stream("x")
    assert await anext(stream) == first[:BLOCK_BYTES]
    await local.put_stream("x", chunks(second))
    with pytest.raises(StorageUnavailable, match="replaced"):
        await read(stream)
    assert await read(local.get_stream("x")) == second


async def test_cancelling_a_writer_publishes_nothing(local: ObjectStorage, tmp_path: Path) -> None:
    started = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(BLOCK_BYTES)
            started.set()

    task = asyncio.create_task(local.put_stream("x", endless()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: files(tmp_path) == [], what="the removal of what was begun")


async def test_a_killed_writer_leaves_only_what_the_sweep_removes(local: ObjectStorage, tmp_path: Path) -> None:
    program = f"""
import asyncio
from app.kernel.storage.object_storage import ObjectStorage
async def main():
    async with ObjectStorage.open("file://{tmp_path}").writer("batch") as writer:
        while True:
            await writer.write(bytes(8 << 20))
            print("written", flush=True)
            await asyncio.sleep(0.01)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(4):
        await process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    assert await keys(local) == []
    leftovers = files(tmp_path)
    assert len(leftovers) == 1
    assert leftovers[0].startswith(TEMPORARY)
    assert await local.sweep_temporary(timedelta(hours=1)) == 0
    aged = time.time() - 7200
    os.utime(tmp_path / leftovers[0], (aged, aged))
    assert await local.sweep_temporary(timedelta(hours=1)) == 1
    assert files(tmp_path) == []


async def test_missing_objects(storage: ObjectStorage) -> None:
    assert not await storage.exists("none")
    await storage.delete("none")
    with pytest.raises(ObjectNotFound):
        await storage.head("none")
    with pytest.raises(ObjectNotFound):
        await read(storage.get_stream("none"))


async def test_delete_and_list_by_whole_segments(storage: ObjectStorage) -> None:
    for key in ("a/1", "a/2", "ab/3"):
        await storage.put_stream(key, chunks(b"x"))
    assert await keys(storage, "a") == ["a/1", "a/2"]
    await storage.delete("a/1")
    assert await keys(storage) == ["a/2", "ab/3"]


BAD_KEYS = [
    "",
    "/a",
    "a/",
    "a//b",
    "..",
    "a/../b",
    ".",
    "a/.hidden",
    ".uploads/x",
    "a\x00b",
    "a\\b",
    "a b",
    "ä",
    "a/" * 500 + "a",
    "C:x",
    "a#1",
    "a\n",
]


@pytest.mark.parametrize("key", BAD_KEYS)
async def test_bad_keys_are_refused_everywhere(local: ObjectStorage, tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidKeyError):
        await local.put_stream(key, chunks(b"x"))
    for call in (local.head, local.exists, local.delete):
        with pytest.raises(InvalidKeyError):
            await call(key)
    with pytest.raises(InvalidKeyError):
        await read(local.get_stream(key))
    assert files(tmp_path) == []


@given(st.text(max_size=40))
def test_an_accepted_key_stays_below_the_root(key: str) -> None:
    try:
        check_key(key)
    except InvalidKeyError:
        return
    root = Path("/root/of/store")
    assert Path(os.path.normpath(root / key)).is_relative_to(root)
    assert "\x00" not in key


@pytest.mark.parametrize(
    "url", ["http://user:hunter2@host/x", "ftp://host", "/just/a/path", "file://host/x", "file:relative"]
)
def test_other_urls_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(UnsupportedStorageError) as caught:
        ObjectStorage.open(url)
    assert "hunter2" not in str(caught.value)


async def test_failures_of_the_store_are_503_without_its_address(local: ObjectStorage, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageUnavailable) as caught:
        await local.put_stream("file/below", chunks(b"x"))
    assert caught.value.status == 503
    assert str(tmp_path) not in str(caught.value)


async def test_zstd_writer_around_an_object(local: ObjectStorage) -> None:
    data = b'{"id": 1, "name": "row"}\n' * 200_000
    async with local.writer("b.zst") as target, ZstdWriter(target) as writer:
        for start in range(0, len(data), 70_000):
            await writer.write(data[start : start + 70_000])
    assert writer.size == len(data)
    assert target.stored.size < len(data) / 20
    assert await read(unzstd_stream(local.get_stream("b.zst"))) == data


@settings(max_examples=30)
@given(st.lists(st.integers(0, 2 * FRAME_BYTES), max_size=4), st.integers(1, 200_000))
async def test_zstd_round_trip_whatever_the_chunks(sizes: list[int], cut: int) -> None:
    data = [bytes([index]) * size for index, size in enumerate(sizes)]
    stream = await packed(*data)
    pieces = [stream[start : start + cut] for start in range(0, len(stream), cut)]
    assert await read(unzstd_stream(chunks(*pieces))) == b"".join(data)


async def test_dense_input_is_decoded_in_bounded_blocks() -> None:
    stream = await packed(*[bytes(FRAME_BYTES)] * 64)
    assert len(stream) < 64 * 200
    assert max([len(block) async for block in unzstd_stream(chunks(stream))]) <= 5 * FRAME_BYTES


@pytest.mark.parametrize("damage", ["cut", "noise", "header"])
async def test_damaged_streams_are_noticed(damage: str) -> None:
    stream = await packed(os.urandom(100_000))
    broken = {"cut": stream[:-10], "noise": b"not zstd at all", "header": b"\x00" + stream[1:]}[damage]
    with pytest.raises(CorruptObject):
        await read(unzstd_stream(chunks(broken)))
