"""The process that reads has its limits before it reads, and nothing that it hands back is believed."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

import msgspec
import pytest

from app.addons.knowledge.reading.blocks import Reason
from app.addons.knowledge.reading.bounded import DocumentReader, _decoded
from app.addons.knowledge.reading.chunking import MAX_PASSAGE, MAX_PASSAGES
from app.addons.knowledge.reading.media_types import DocumentType

ROOT = Path(__file__).resolve().parents[4]
CONFINED = "from app.addons.knowledge.reading.process import confine; confine(); "


def confined(code: str) -> subprocess.CompletedProcess[str]:
    """What a process does that has confined itself."""
    command = [sys.executable, "-P", "-s", "-B", "-c", CONFINED + code]
    return subprocess.run(
        command, env={"PYTHONPATH": str(ROOT)}, cwd="/", capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("bytearray(1024 ** 3)", "MemoryError"),
        ("open('/tmp/spyne-confined', 'wb', buffering=0).write(b'x')", "OSError"),
        ("[open('/dev/null') for _ in range(100)]", "Too many open files"),
    ],
)
def test_limits_hold(code: str, said: str) -> None:
    ran = confined(code)
    assert (ran.returncode != 0, said in ran.stderr) == (True, True), ran.stderr


def test_a_limit_of_processor_time_is_set() -> None:
    ran = confined("import resource; print(*resource.getrlimit(resource.RLIMIT_CPU), *resource.getrlimit(4))")
    assert ran.stdout.split() == ["25", "25", "0", "0"]


def outcome(**changes: Any) -> bytes:
    """What a reader writes of a small document, with something else in it."""
    passage = {"headings": ["A"], "text": "text", "defined": ["a"], "mentioned": []}
    passages = [passage | {name: value for name, value in changes.items() if name in passage}]
    whole: dict[str, Any] = {"title": "t", "pages": 1, "passages": passages}
    return msgspec.json.encode(whole | {name: value for name, value in changes.items() if name not in passage})


FALSE: Final[dict[str, bytes]] = {
    "nothing": b"",
    "no JSON": b"text",
    "more fields": outcome(also=1),
    "no passages": outcome(passages=[]),
    "too many passages": outcome(
        passages=[{"headings": [], "text": "x", "defined": [], "mentioned": []}] * (MAX_PASSAGES + 1)
    ),
    "a long passage": outcome(text="x" * (MAX_PASSAGE + 1)),
    "an empty passage": outcome(text=""),
    "NUL in a passage": outcome(text="a\0b"),
    "marks in a passage": outcome(text="a\x02b"),
    "NUL in a heading": outcome(headings=["\0"]),
    "a long heading": outcome(headings=["x" * 201]),
    "many headings": outcome(headings=["x"] * 7),
    "a name that is a query": outcome(defined=["a & b"]),
    "many names": outcome(mentioned=["a"] * 601),
    "no pages": outcome(pages=0),
    "many pages": outcome(pages=2**40),
    "a long title": outcome(title="x" * 201),
    "another reason": b'{"reason": "hunter2", "message": "x"}',
    "a long reason": b'{"reason": "encrypted", "message": "%s"}' % (b"x" * 201),
    "a reason of lines": b'{"reason": "encrypted", "message": "a\\nb"}',
    "a title with a line": outcome(title="a\x00"),
}


@pytest.mark.parametrize("name", FALSE)
def test_what_no_reader_writes_is_refused(name: str) -> None:
    assert _decoded(FALSE[name]).reason == Reason.DAMAGED.value


def test_what_a_reader_writes_is_taken() -> None:
    assert _decoded(outcome()).reason is None
    assert _decoded(msgspec.json.encode({"reason": "encrypted", "message": "why"})).reason == "encrypted"


async def test_the_reader_is_started_without_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []

    async def started(*_: Any, env: dict[str, str], **__: Any) -> None:
        seen.append(env)
        raise OSError("enough is seen")

    monkeypatch.setenv("DATABASE_URL", "postgresql://owner:hunter2@db/spyne")
    monkeypatch.setattr("asyncio.create_subprocess_exec", started)
    with TemporaryFile() as file, pytest.raises(OSError, match="enough"):
        await DocumentReader().read(DocumentType.PLAIN, file)
    assert sorted(seen[0]) == ["LC_ALL", "PYTHONHASHSEED", "PYTHONPATH"]
