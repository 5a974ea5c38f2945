"""Object storage: raw batches, exports and other files, in a local directory or a bucket, through obstore.

An object becomes visible only when it is complete: a writer that fails, is cancelled or is killed leaves nothing under
its key. Memory does not grow with an object. obstore's blocking calls run in worker threads, together with the hashing:
its event-loop bridge holds Python objects in foreign threads, which aborts an interpreter that exits soon after a call.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import LocalStore, MemoryStore, from_url

from app.kernel.problems import NotFound, Unavailable
from app.kernel.write_failures import WriteFailures

BLOCK_BYTES = 4 * 1024 * 1024
"""What one thread hop hashes and writes, and one ranged read asks for: so large that the hop (0.1 ms) is noise."""

PART_BYTES = 8 * 1024 * 1024
"""Size of a multipart part. S3 takes 10,000 parts of at least 5 MiB (S3 User Guide, multipart limits): so 80 GiB."""

PARTS_IN_FLIGHT = 2
"""Parts on their way at once; with the part being filled this bounds a writer's memory to about three parts."""

TEMPORARY = ".uploads"
"""Where a local store keeps what is not published yet."""

MAX_KEY_LENGTH = 900
"""Under the 1,024 bytes of S3 and GCS keys, with room for a prefix in the bucket."""

REMOTE_SCHEMES = frozenset({"s3", "gs", "az"})

_SEGMENT = re.compile(r"[A-Za-z0-9_=@+-][A-Za-z0-9_=@+.-]{0,199}")


class InvalidKeyError(ValueError):
    """The key is not a relative path of plain segments."""


class UnsupportedStorageError(ValueError):
    """The storage URL has a scheme which Spyne does not store in."""


class ObjectNotFound(NotFound):
    """Nothing is stored under the key."""

    code, title = "object-not-found", "There is no such stored object"


class StorageUnavailable(Unavailable):
    """The store could not be reached or refused; the reason is in the log, not in the answer."""

    code, title = "storage-unavailable", "The object storage cannot do this right now"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a finished write has stored: size in bytes, SHA-256 of the content in hexadecimal."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What the store says about an object: size in bytes, time of its last write, entity tag."""

    key: str
    size: int
    modified_at: datetime
    etag: str | None


class ByteWriter(Protocol):
    """Takes bytes in order."""

    async def write(self, data: bytes) -> None:
        """Take the next bytes."""


def check_key(key: str) -> str:
    """The key itself, when it is one: segments of letters, digits and `_=@+.-`, none beginning with a dot.

    Raises `InvalidKeyError`: anything else: absolute paths, `..`, NUL, empty segments.
    """
    if len(key) > MAX_KEY_LENGTH or not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise InvalidKeyError(
            "A key is a relative path of segments of letters, digits and _=@+.-; none begins with a dot."
        )
    return key


PROBE = "spyne-probe"
"""An object that nobody stores: a store that says so is there."""


class ObjectWriter:
    """Takes an object's bytes in order; made by `ObjectStorage.writer`, which publishes what was written."""

    def __init__(self, store: obstore.store.ObjectStore, path: str, key: str) -> None:
        self._target = obstore.open_writer(store, path, buffer_size=PART_BYTES, max_concurrency=PARTS_IN_FLIGHT)
        self._key = key
        self._hash = hashlib.sha256()
        self._pending = bytearray()
        self._stored: StoredObject | None = None
        self.size = 0

    @property
    def stored(self) -> StoredObject:
        """What was stored. Raises RuntimeError before the writer's block has ended well."""
        if self._stored is None:
            raise RuntimeError("the object is not published yet")
        return self._stored

    async def write(self, data: bytes) -> None:
        """Take the next bytes; returns when there is room for more.

        Raises `StorageUnavailable`: the store refused them; the object is not published.
        """
        self.size += len(data)
        self._pending += data
        if len(self._pending) >= BLOCK_BYTES:
            await self._flush()

    async def _flush(self) -> None:
        block, self._pending = self._pending, bytearray()
        with _translated():
            await asyncio.to_thread(self._take, block)

    def _take(self, block: bytearray) -> None:
        self._hash.update(block)
        self._target.write(block)

    async def _finish(self) -> None:
        await self._flush()
        with _translated():
            await asyncio.to_thread(self._target.close)

    def _published(self) -> None:
        self._stored = StoredObject(self._key, self.size, self._hash.hexdigest())

    def _abandon(self) -> None:
        self._pending.clear()
        del self._target  # dropped without a close: obstore removes what a local store has staged


class ObjectStorage:
    """Named, immutable-when-seen byte streams."""

    def __init__(self, store: obstore.store.ObjectStore, root: Path | None = None) -> None:
        """Use `ObjectStorage.open`. `root` is the directory of a local store, None for a bucket."""
        self._store = store
        self._root = root
        self.write_failures = WriteFailures("object storage")

    @classmethod
    def open(cls, url: str) -> Self:
        """The storage behind a URL: file:// (made on demand), s3://, gs://, az://, and memory:// for benchmarks.

        Raises `UnsupportedStorageError`: any other scheme, or a file URL which is not an absolute local path.
        """
        parts = urlsplit(url)
        if parts.scheme == "memory":
            return cls(MemoryStore())
        if parts.scheme in REMOTE_SCHEMES:
            return cls(from_url(url))  # credentials come from the environment, as the provider's own tools read them
        if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
            raise UnsupportedStorageError(
                f"Objects are stored in file:///, s3://, gs:// or az:// URLs, not in {parts.scheme or 'a path'}."
            )
        root = Path(unquote(parts.path))
        root.joinpath(TEMPORARY).mkdir(parents=True, exist_ok=True)
        return cls(LocalStore(root), root)

    @asynccontextmanager
    async def writer(self, key: str, owner: str | None = None) -> AsyncIterator[ObjectWriter]:
        """A writer whose bytes become the object when the block ends well, and vanish when anything is raised.

        `owner` names the work that writes, so that its next start can sweep what a killed one left. A local object is
        on the disk (fsync) before its name is. A bucket publishes a multipart upload at completion; parts that a killed
        process leaves there are invisible, and the bucket's rule for incomplete uploads removes them.

        Raises:
            InvalidKeyError: the key is not a plain relative path.
            StorageUnavailable: the store failed.
        """
        check_key(key)
        path = key if self._root is None else f"{TEMPORARY}/{_prefix(owner)}{uuid4().hex}"
        with self._noted():
            writer = ObjectWriter(self._store, path, key)
            try:
                yield writer
                await writer._finish()  # noqa: SLF001 - the two halves of one class, kept from callers
            except BaseException:
                writer._abandon()  # noqa: SLF001 - as above
                raise
            if self._root is not None:
                with _translated():
                    await asyncio.to_thread(_publish, self._store, self._root, path, key)
        writer._published()  # noqa: SLF001 - as above

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except StorageUnavailable:
            self.write_failures.note("it cannot be written to")
            raise

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes]) -> StoredObject:
        """What was stored under the key: all the chunks, or nothing when the iterator raises. Errors as `writer`."""
        async with self.writer(key) as writer:
            async for chunk in chunks:
                await writer.write(chunk)
        return writer.stored

    async def get_stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The object's bytes from `start` up to before `end`, in blocks, the next being read while one is used.

        Raises:
            ObjectNotFound: nothing is stored under the key.
            StorageUnavailable: the store failed, or the object was replaced while it was read.
        """
        info = await self.head(key)
        stop = info.size if end is None else min(end, info.size)
        position = start
        ahead = self._read_ahead(info, position, stop)
        try:
            while ahead is not None:
                block = await ahead
                position += len(block)
                ahead = self._read_ahead(info, position, stop)
                yield block
        finally:
            if ahead is not None:
                ahead.cancel()

    def _read_ahead(self, info: ObjectInfo, position: int, stop: int) -> asyncio.Task[bytes] | None:
        if position >= stop:
            return None
        return asyncio.create_task(self._read(info, position, min(position + BLOCK_BYTES, stop)))

    async def _read(self, info: ObjectInfo, start: int, stop: int) -> bytes:
        def read() -> bytes:
            options: obstore.GetOptions = {"range": (start, stop)}
            if info.etag is not None:
                options["if_match"] = info.etag
            return bytes(obstore.get(self._store, info.key, options=options).bytes())

        with _translated():
            return await asyncio.to_thread(read)

    async def head(self, key: str) -> ObjectInfo:
        """What the store knows about the object. Raises `ObjectNotFound`, `StorageUnavailable`."""
        check_key(key)
        with _translated():
            meta = await asyncio.to_thread(obstore.head, self._store, key)
        return _info(meta)

    async def probe(self) -> None:
        """Return when the store answers. Raises `StorageUnavailable`."""
        with _translated(), contextlib.suppress(FileNotFoundError):
            if self._root is not None and not os.access(self._root / TEMPORARY, os.W_OK):
                raise OSError("the directory is gone, or not ours")
            await obstore.head_async(self._store, PROBE)

    async def exists(self, key: str) -> bool:
        """Whether something is stored under the key. Raises `StorageUnavailable`."""
        try:
            await self.head(key)
        except ObjectNotFound:
            return False
        return True

    async def delete(self, key: str) -> None:
        """Make sure that nothing is stored under the key. Raises `StorageUnavailable`."""
        check_key(key)
        with contextlib.suppress(ObjectNotFound), _translated():
            await asyncio.to_thread(obstore.delete, self._store, key)

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """The published objects below a prefix of whole segments, in no given order. Raises `StorageUnavailable`."""
        if prefix:
            check_key(prefix.rstrip("/"))
        batches = iter(obstore.list(self._store, prefix or None))
        while True:
            with _translated():
                batch = await asyncio.to_thread(next, batches, None)
            if batch is None:
                return
            for meta in batch:
                if not meta["path"].startswith(f"{TEMPORARY}/"):
                    yield _info(meta)

    async def sweep_temporary(self, older_than: timedelta, owner: str | None = None) -> int:
        """How many unpublished leftovers of killed writers were removed, untouched for at least `older_than`.

        Those of one owner, or of all. A bucket's own rule for incomplete multipart uploads does this for a bucket; the
        answer is then 0.
        """
        if self._root is None:
            return 0
        before = time.time() - older_than.total_seconds()
        return await asyncio.to_thread(_sweep, self._root / TEMPORARY, before, _prefix(owner))


def _info(meta: "obstore.ObjectMeta") -> ObjectInfo:
    return ObjectInfo(meta["path"], meta["size"], meta["last_modified"], meta["e_tag"])


def _publish(store: obstore.store.ObjectStore, root: Path, temporary: str, key: str) -> None:
    _fsync(root / temporary)
    obstore.rename(store, temporary, key)
    directory = (root / key).parent
    while True:  # parents may be new, and a name is only as durable as the directory that holds it
        _fsync(directory)
        if directory == root:
            return
        directory = directory.parent


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prefix(owner: str | None) -> str:
    return "" if owner is None else f"{check_key(owner)}."


def _sweep(directory: Path, before: float, prefix: str) -> int:
    removed = 0
    for entry in os.scandir(directory):
        if not entry.name.startswith(prefix):
            continue
        with contextlib.suppress(FileNotFoundError):  # published or swept by another process in between
            if entry.stat().st_mtime <= before:
                Path(entry.path).unlink()
                removed += 1
    return removed


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectNotFound from error
    except PreconditionError as error:
        raise StorageUnavailable("The object was replaced while it was read.") from error
    except (BaseError, OSError) as error:
        raise StorageUnavailable from error
