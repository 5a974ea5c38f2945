"""A file of the audit log that cannot be read is no answer: a line and exit code 2, never a verdict."""

import gzip
from pathlib import Path

import pytest

from app.commands.audit import CannotVerifyError, verify_file

PACKED = gzip.compress(b"no export", mtime=0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(None, "No such file", id="not there"),
        pytest.param(b"", "not an export", id="empty"),
        pytest.param(b"no export", "not an export", id="of another kind"),
        pytest.param(PACKED, "not an export", id="of another kind, packed"),
        pytest.param(PACKED[:5], "cut off or damaged", id="cut in its head"),
        pytest.param(PACKED[:-1], "cut off or damaged", id="cut at its end"),
        pytest.param(PACKED[:-8] + b"\0" * 8, "cut off or damaged", id="of another sum"),
        pytest.param(PACKED[:10] + b"\xff" * 20, "cut off or damaged", id="damaged within"),
    ],
)
def test_a_file_that_cannot_be_read_is_no_answer(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "log.ndjson.gz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CannotVerifyError, match=reason):
        verify_file(file, None, [])
