"""What is written is read again, of every size around a block. Refusals: tests/commands/test_hostile_backups.py."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.dumping.members import (
    TAR_END,
    BadMemberError,
    FolderMembers,
    Members,
    TarMembers,
    header_of,
    padding,
    read_header,
)

SIZES = [0, 1, 511, 512, 513, 1024 * 1024, 1024 * 1024 + 1]


def both(tmp_path: Path, contents: dict[str, bytes]) -> list[Members]:
    folder = tmp_path / "folder"
    folder.mkdir()
    written = io.BytesIO()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        written.write(header_of(f"folder/{name}", len(content), 0) + content + padding(len(content)))
    written.write(TAR_END)
    return [FolderMembers(folder), TarMembers(written, "folder")]


def test_members_are_read_in_order_and_again(tmp_path: Path) -> None:
    contents = {f"m{size}": bytes(range(256)) * (size // 256 + 1) for size in SIZES}
    contents = {name: content[: int(name[1:])] for name, content in contents.items()}
    for members in both(tmp_path, contents):
        for name, content in contents.items():
            assert members.expect(name, len(content)) == len(content)
        members.end()
        for name in [*reversed(contents), *contents]:
            assert b"".join(members.blocks(name)) == contents[name]


@pytest.mark.parametrize("largest", [0, 4])
def test_a_member_may_have_so_many_bytes(tmp_path: Path, largest: int) -> None:
    for members in both(tmp_path, {"a": b"12345"}):
        with pytest.raises(BadMemberError, match="more bytes"):
            members.expect("a", largest)
        assert members.expect("a", 5) == 5


@given(st.binary(max_size=1024))
def test_a_header_is_one_of_a_plain_file_or_refused(block: bytes) -> None:
    try:
        header = read_header(io.BytesIO(block))
    except BadMemberError:
        return
    assert header is None or (header.isreg() and header.size >= 0)


@given(st.from_regex(r"[a-z]{1,8}(/[a-z0-9]{1,8}){0,4}", fullmatch=True), st.integers(0, 1 << 50))
def test_every_header_is_read_by_us_and_by_tar(name: str, size: int) -> None:
    block = header_of(name, size, 1_700_000_000)
    assert len(block) == tarfile.BLOCKSIZE
    header = read_header(io.BytesIO(block))
    assert header is not None
    assert (header.name, header.size) == (name, size)
    with tarfile.open(fileobj=io.BytesIO(block + TAR_END)) as archive:
        found = archive.next()
        assert found is not None
        assert (found.name, found.size) == (name, size)
