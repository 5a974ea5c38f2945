"""Unified diffs of packages: right for patch(1), bounded."""

import difflib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.package.files import Package
from app.addons.requests.revisions import diffs
from app.addons.requests.revisions.diffs import FileChange, changes, package_diff
from app.addons.requests.revisions.packages import file_list

NAMES = ("v1", "v2")
TEXTS = st.text(alphabet="ab\n\r\f\x85\u2028", max_size=60).map(str.encode)
"""Characters among them that end lines for Python, and no line for patch."""


def package(**files: bytes) -> Package:
    return Package("TA-x", {name.replace("_", "/", 1): content for name, content in files.items()})


def test_each_file_that_differs_is_shown() -> None:
    before = package(default_props=b"a\nb\n", default_gone=b"x\n", default_same=b"s\n", static_icon=b"\x89\x00\x01")
    after = package(default_props=b"a\nc\n", default_new=b"y\n", default_same=b"s\n", static_icon=b"\x89\x00\x02")
    found = package_diff(before, after, NAMES)
    assert [(each.path, each.change, each.note) for each in found] == [
        ("default/gone", FileChange.REMOVED, None),
        ("default/new", FileChange.ADDED, None),
        ("default/props", FileChange.MODIFIED, None),
        ("static/icon", FileChange.MODIFIED, "binary"),
    ]
    assert found[2].diff == "--- v1/default/props\n+++ v2/default/props\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
    assert package_diff(before, before, NAMES) == []


@given(TEXTS, TEXTS)
def test_patch_makes_one_of_the_other(tmp_path_factory: pytest.TempPathFactory, old: bytes, new: bytes) -> None:
    found = package_diff(package(a_b=old), package(a_b=new), NAMES)
    assert bool(found) == (old != new)
    if not found or not old or not new:
        return
    folder = tmp_path_factory.mktemp("patch")
    target = Path(folder / "file")
    target.write_bytes(old)
    done = subprocess.run(["patch", "-s", "--binary", str(target)], input=(found[0].diff or "").encode(), check=False)
    assert done.returncode == 0
    assert target.read_bytes() == new


@pytest.mark.parametrize(
    ("limit", "value", "old", "new"),
    [
        ("MAX_FILE_BYTES", 10, b"a" * 11, b"b"),
        ("MAX_FILE_LINES", 3, b"a\n" * 4, b"b"),
        ("MAX_ALL_LINES", 3, b"a\n" * 2, b"b\n" * 2),
    ],
)
def test_what_is_beyond_the_bounds_is_not_compared(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int, old: bytes, new: bytes
) -> None:
    monkeypatch.setattr(diffs, limit, value)

    def never(*_: object) -> None:
        raise AssertionError("compared")

    monkeypatch.setattr(difflib, "unified_diff", never)
    (found,) = package_diff(package(a_b=old), package(a_b=new), NAMES)
    assert (found.diff, found.note) == (None, "too large to compare by lines")


def test_what_changed_is_told_by_checksums() -> None:
    before, after = package(a_b=b"1", a_c=b"2", a_d=b"3"), package(a_b=b"1", a_c=b"9", a_e=b"3")
    found = changes(file_list(before), file_list(after))
    assert found == {"added": ["a/e"], "removed": ["a/d"], "modified": ["a/c"]}
