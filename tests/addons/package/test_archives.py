"""Archives: hostile ones are refused with their entry named, our own are read back and always the same bytes."""

import contextlib
import gzip
import io
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.package.archives import ArchiveLimits, read_archive, read_archive_file, write_archive
from app.addons.package.conf import MAX_CONF_BYTES
from app.addons.package.entries import ArchiveFault
from app.addons.package.files import Package
from tests.addons.package.hostile import END, archive, bomb, file, folder, header, padded, pax, special

GOOD = file("TA-a/default/app.conf", b"[install]\n")
MIB = 1024 * 1024
SMALL = ArchiveLimits(
    packed_bytes=64 * 1024, unpacked_bytes=256 * 1024, file_bytes=100_000, entries=50, ratio_from=400_000
)

REFUSED: tuple[tuple[str, str, str | None, bytes], ...] = (
    ("symbolic link", "link", "TA-a/x", archive(GOOD, special("TA-a/x", tarfile.SYMTYPE, link=b"/etc/passwd"))),
    ("symbolic link within", "link", "TA-a/x", archive(GOOD, special("TA-a/x", tarfile.SYMTYPE, link=b"default"))),
    ("hard link", "link", "TA-a/x", archive(GOOD, special("TA-a/x", tarfile.LNKTYPE, link=b"TA-a/default/app.conf"))),
    ("file with a target", "link", "TA-a/x", archive(GOOD, header("TA-a/x", link=b"/etc/passwd"))),
    (
        "GNU long link",
        "link",
        "././@LongLink",
        archive(special("././@LongLink", tarfile.GNUTYPE_LONGLINK, b"/e"), GOOD),
    ),
    ("character device", "device", "TA-a/x", archive(GOOD, special("TA-a/x", tarfile.CHRTYPE))),
    ("block device", "device", "TA-a/x", archive(GOOD, special("TA-a/x", tarfile.BLKTYPE))),
    ("named pipe", "device", "TA-a/x", archive(GOOD, special("TA-a/x", tarfile.FIFOTYPE))),
    ("contiguous file", "unknown-entry-type", "TA-a/x", archive(GOOD, special("TA-a/x", tarfile.CONTTYPE))),
    ("unknown type", "unknown-entry-type", "TA-a/x", archive(GOOD, special("TA-a/x", b"Z"))),
    ("GNU multi-volume", "unknown-entry-type", "TA-a/x", archive(GOOD, special("TA-a/x", b"M"))),
    ("GNU dump folder", "unknown-entry-type", "TA-a/x", archive(GOOD, special("TA-a/x", b"D"))),
    ("dot dot", "traversal", "TA-a/../../x", archive(GOOD, file("TA-a/../../x"))),
    ("dot dot first", "traversal", "../x", archive(file("../x"))),
    ("dot dot as a folder", "traversal", "TA-a/..", archive(GOOD, folder("TA-a/.."))),
    ("absolute", "absolute-path", "/etc/passwd", archive(GOOD, file("/etc/passwd"))),
    ("absolute behind a dot", "absolute-path", "/etc/passwd", archive(GOOD, file(".//etc/passwd"))),
    ("absolute folder", "absolute-path", "/etc", archive(GOOD, folder("/etc/"))),
    ("drive letter", "absolute-path", "C:x", archive(GOOD, file("C:x"))),
    ("drive with a path", "absolute-path", "c:/windows/x", archive(GOOD, file("c:/windows/x"))),
    ("backslash", "backslash", "TA-a\\..\\x", archive(GOOD, file("TA-a\\..\\x"))),
    ("network share", "backslash", "\\\\host\\x", archive(GOOD, file("\\\\host\\x"))),
    ("NUL in the name", "control-character", "TA-a/x", archive(GOOD, file(b"TA-a/x\0.conf"))),
    ("NUL in the prefix", "control-character", "a/TA-a/x", archive(header("TA-a/x", prefix=b"a\0b"))),
    ("line feed", "control-character", "TA-a/x\ny", archive(GOOD, file("TA-a/x\ny"))),
    ("escape", "control-character", "TA-a/\x1b[31mx", archive(GOOD, file("TA-a/\x1b[31mx"))),
    ("right-to-left override", "control-character", "TA-a/x\u202efnoc", archive(GOOD, file("TA-a/x\u202efnoc"))),
    ("zero width", "control-character", "TA-a/x\u200b", archive(GOOD, file("TA-a/x\u200b"))),
    ("undecodable", "undecodable-name", "TA-a/x\\xff", archive(GOOD, file(b"TA-a/x\xff"))),
    ("Latin-1", "undecodable-name", "TA-a/\\xfcber", archive(GOOD, file("TA-a/über".encode("latin-1")))),
    ("surrogate", "undecodable-name", "TA-a/\\xed\\xa0\\x80", archive(GOOD, file(b"TA-a/\xed\xa0\x80"))),
    ("empty part", "name-not-plain", "TA-a//x", archive(GOOD, file("TA-a//x"))),
    ("dot as a part", "name-not-plain", "TA-a/./x", archive(GOOD, file("TA-a/./x"))),
    ("empty name", "name-not-plain", "", archive(GOOD, file(""))),
    ("file with a slash behind", "name-not-plain", "TA-a/x/", archive(GOOD, header("TA-a/x/", 2) + padded(b"x\n"))),
    ("name too long", "path-too-long", "TA-a/yyy", archive(header("x" * 95, prefix=b"TA-a/" + b"y" * 150))),
    ("path too long", "path-too-long", "TA-a", archive(header("n" * 95, prefix=b"TA-a/" + b"y/" * 74))),
    ("too deep", "path-too-deep", "TA-a/" + "d/" * 12 + "x", archive(GOOD, file("TA-a/" + "d/" * 12 + "x"))),
    ("colon", "not-portable", "TA-a/a:b", archive(GOOD, file("TA-a/a:b"))),
    ("asterisk", "not-portable", "TA-a/a*", archive(GOOD, file("TA-a/a*"))),
    ("device of Windows", "not-portable", "TA-a/NUL.conf", archive(GOOD, file("TA-a/NUL.conf"))),
    ("dot behind", "not-portable", "TA-a/x.", archive(GOOD, file("TA-a/x."))),
    ("space behind", "not-portable", "TA-a/x ", archive(GOOD, file("TA-a/x "))),
    ("twice", "duplicate-entry", "TA-a/default/app.conf", archive(GOOD, GOOD)),
    ("twice but for case", "duplicate-entry", "TA-a/default/APP.conf", archive(GOOD, file("TA-a/default/APP.conf"))),
    ("folder but for case", "duplicate-entry", "TA-a/Default/b", archive(GOOD, file("TA-a/Default/b"))),
    ("NFC and NFD", "duplicate-entry", "TA-a/u\u0308", archive(file("TA-a/\u00fc"), file("TA-a/u\u0308"))),
    ("ligature", "duplicate-entry", "TA-a/\ufb01x", archive(file("TA-a/fix"), file("TA-a/\ufb01x"))),
    ("file and folder", "duplicate-entry", "TA-a/default", archive(GOOD, file("TA-a/default"))),
    ("folder over a file", "duplicate-entry", "TA-a/x", archive(file("TA-a/x"), folder("TA-a/x"))),
    ("file below a file", "duplicate-entry", "TA-a/x/y", archive(file("TA-a/x"), file("TA-a/x/y"))),
    ("two top folders", "many-top-folders", "TA-b/x", archive(GOOD, file("TA-b/x"))),
    ("a second top folder", "many-top-folders", "__MACOSX", archive(GOOD, folder("__MACOSX"))),
    ("top folder but for case", "many-top-folders", "ta-a/x", archive(GOOD, file("ta-a/x"))),
    ("file at the root", "file-at-root", "app.conf", archive(file("app.conf"))),
    ("file beside the folder", "many-top-folders", "._TA-a", archive(GOOD, file("._TA-a"))),
    ("top folder is a file", "file-at-root", "TA-a", archive(file("TA-a"), GOOD)),
    ("bomb by ratio", "bomb", "TA-a/x.csv", bomb("TA-a/x.csv", 8 * MIB)),
    ("file too large", "file-too-large", "TA-a/x.csv", archive(GOOD, header("TA-a/x.csv", 17 * MIB))),
    ("conf too large", "conf-too-large", "TA-a/a.conf", archive(GOOD, header("TA-a/a.conf", MAX_CONF_BYTES + 1))),
    ("meta too large", "conf-too-large", "TA-a/a.meta", archive(GOOD, header("TA-a/a.meta", MAX_CONF_BYTES + 1))),
    ("size of exabytes", "file-too-large", "TA-a/x", archive(header("TA-a/x", size_field=b"\x80" + b"\x7f" * 11))),
    ("negative size", "size-lies", "TA-a/x", archive(header("TA-a/x", size_field=b"\xff" * 12))),
    ("folder with bytes", "size-lies", "TA-a", archive(header("TA-a", 512, tarfile.DIRTYPE), padded(b"x"), GOOD)),
    ("size larger than there is", "truncated", "TA-a/x", gzip.compress(GOOD + header("TA-a/x", 9_000) + b"x")),
    ("size smaller than there is", "broken-header", "TA-a/x", archive(header("TA-a/x", 1) + padded(b"x" * 600))),
    ("size that is no number", "broken-header", None, archive(header("TA-a/x", size_field=b"99999999999\0"))),
    ("wrong checksum", "broken-header", "TA-a/default/app.conf", archive(GOOD, b"x" * 512)),
    ("many entries", "too-many-entries", "TA-a/f2000", archive(*(file(f"TA-a/f{n}", b"") for n in range(2_001)))),
    ("many folders", "too-many-entries", "TA-a/d2000", archive(*(folder(f"TA-a/d{n}") for n in range(2_001)))),
    ("gzip within", "nested-archive", "TA-a/a.csv.gz", archive(GOOD, file("TA-a/a.csv.gz", gzip.compress(b"a")))),
    ("ZIP within", "nested-archive", "TA-a/a.jar", archive(GOOD, file("TA-a/a.jar", b"PK\x03\x04aa"))),
    ("tar within", "nested-archive", "TA-a/a.tar", archive(GOOD, file("TA-a/a.tar", GOOD))),
    ("Zstandard within", "nested-archive", "TA-a/a", archive(GOOD, file("TA-a/a", b"\x28\xb5\x2f\xfd"))),
    ("ELF", "program", "TA-a/bin/x", archive(GOOD, file("TA-a/bin/x", b"\x7fELF\x02"))),
    ("Windows program", "program", "TA-a/x.conf", archive(GOOD, file("TA-a/x.conf", b"MZ\x90\0\3"))),
    ("Mach-O", "program", "TA-a/x", archive(GOOD, file("TA-a/x", b"\xcf\xfa\xed\xfe"))),
    ("sparse", "sparse", "TA-a/x", archive(GOOD, special("TA-a/x", tarfile.GNUTYPE_SPARSE))),
    ("sparse by PAX", "sparse", "./PaxHeaders/x", archive(pax({"GNU.sparse.major": "1"}), GOOD)),
    ("PAX path", "pax-header", "./PaxHeaders/x", archive(pax({"path": "/etc/passwd"}), GOOD)),
    ("PAX size", "pax-header", "./PaxHeaders/x", archive(pax({"size": "1"}), GOOD)),
    ("PAX link path", "pax-header", "./PaxHeaders/x", archive(pax({"linkpath": "/etc"}), GOOD)),
    ("PAX real size", "pax-header", "./PaxHeaders/x", archive(pax({"SCHILY.realsize": "9"}), GOOD)),
    ("PAX header set", "pax-header", "./PaxHeaders/x", archive(pax({"hdrcharset": "BINARY"}), GOOD)),
    ("global PAX path", "pax-header", "./PaxHeaders/x", archive(pax({"path": "x"}, tarfile.XGLTYPE), GOOD)),
    ("PAX that is cut", "pax-header", "./PaxHeaders/x", archive(pax(b"99 mtime=1\n"), GOOD)),
    ("PAX without a length", "pax-header", "./PaxHeaders/x", archive(pax(b"mtime=1\n"), GOOD)),
    ("PAX of zero length", "pax-header", "./PaxHeaders/x", archive(pax(b"0 mtime=1\n"), GOOD)),
    ("PAX too large", "pax-header", "./PaxHeaders/x", archive(header("./PaxHeaders/x", 9 * MIB, tarfile.XHDTYPE))),
    ("Solaris header", "pax-header", "x", archive(special("x", tarfile.SOLARIS_XHDTYPE, b"9 path=x\n"), GOOD)),
    ("GNU long name", "long-name", "././@LongLink", archive(special("././@LongLink", b"L", b"TA-a/../x\0"), GOOD)),
    ("cut within gzip", "truncated", None, archive(GOOD)[:-30]),
    ("cut within the checksum", "truncated", "TA-a/default/app.conf", archive(GOOD)[:-4]),
    ("no closing blocks", "truncated", "TA-a/default/app.conf", gzip.compress(GOOD)),
    ("one closing block", "truncated", "TA-a/default/app.conf", gzip.compress(GOOD + b"\0" * 512)),
    ("bytes behind gzip", "trailing-garbage", "TA-a/default/app.conf", archive(GOOD) + b"x"),
    ("a second gzip member", "trailing-garbage", "TA-a/default/app.conf", archive(GOOD) + archive(GOOD)),
    ("bytes behind tar", "trailing-garbage", "TA-a/default/app.conf", gzip.compress(GOOD + END + b"evil")),
    ("an entry behind the end", "trailing-garbage", "TA-a/default/app.conf", gzip.compress(GOOD + END + GOOD)),
    ("wrong gzip checksum", "not-gzip", "TA-a/default/app.conf", archive(GOOD)[:-8] + b"\0" * 8),
    ("broken deflate", "not-gzip", None, b"\x1f\x8b\x08\0\0\0\0\0\0\3" + b"\xff" * 40),
    ("not gzip", "not-gzip", None, b"[acme:vpn]\n"),
    ("plain tar", "not-gzip", None, GOOD + END),
    ("ZIP", "not-gzip", None, b"PK\x03\x04" + b"\0" * 60),
    ("nothing", "empty", None, b""),
    ("no entry", "empty", None, archive()),
    ("folders alone", "empty", "TA-a", archive(folder("TA-a"), folder("TA-a/default"))),
)


@pytest.mark.parametrize(
    ("code", "entry", "content"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED]
)
def test_a_hostile_archive_is_refused_with_its_entry_named(code: str, entry: str | None, content: bytes) -> None:
    with pytest.raises(ArchiveFault) as refused:
        read_archive(content)
    assert refused.value.code == code
    assert entry is None or (refused.value.entry or "").startswith(entry[:40])
    assert str(refused.value).isprintable()


LIMITED = (
    ("too-large", "", [file("TA-a/f", bytes(range(256)) * 380), GOOD], ArchiveLimits(packed_bytes=200)),
    ("too-large-unpacked", "TA-a/f3", [file(f"TA-a/f{n}", b"a" * 99_000) for n in range(9)], SMALL),
    ("file-too-large", "TA-a/f", [file("TA-a/f", b"a" * 100_001)], SMALL),
    ("too-many-entries", "TA-a/f50", [file(f"TA-a/f{n}") for n in range(60)], SMALL),
)


@pytest.mark.parametrize(("code", "entry", "parts", "limits"), LIMITED)
def test_a_limit_is_kept(code: str, entry: str, parts: list[bytes], limits: ArchiveLimits) -> None:
    with pytest.raises(ArchiveFault) as refused:
        read_archive(archive(*parts), limits)
    assert refused.value.code == code
    assert (refused.value.entry or "").startswith(entry[:6])


def test_a_bomb_costs_little_memory() -> None:
    content = bomb("TA-a/lookups/x.csv", 64 * MIB)
    tracemalloc.start()
    with pytest.raises(ArchiveFault):
        read_archive(content, ArchiveLimits(file_bytes=1024 * MIB))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * MIB


def test_a_large_archive_of_small_files_is_kept_within_its_limit() -> None:
    parts = [file(f"TA-a/f{n}", bytes(range(256)) * 4_000) for n in range(16)]
    content = archive(*parts)
    tracemalloc.start()
    with pytest.raises(ArchiveFault) as refused:
        read_archive(content, ArchiveLimits(unpacked_bytes=8 * MIB, ratio=10_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.code == "too-large-unpacked"
    assert peak < 16 * MIB


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("before", ["", "./"])
def test_archives_of_usual_programs_are_read(form: int, before: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=form) as writer:
        for name in (".", f"{before}TA-a", f"{before}TA-a/default"):
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE
            writer.addfile(info)
        info = tarfile.TarInfo(f"{before}TA-a/default/app.conf")
        info.size, info.mtime, info.uname = 4, 1.5, "würde"
        writer.addfile(info, io.BytesIO(b"[a]\n"))
    assert read_archive(packed.getvalue()) == Package("TA-a", {"default/app.conf": b"[a]\n"})


def test_extended_headers_that_say_nothing_about_names_are_taken() -> None:
    records = {"mtime": "1.5", "LIBARCHIVE.creationtime": "1", "SCHILY.xattr.com.apple.quarantine": "x", "uname": "ü"}
    content = archive(pax({"comment": "0123"}, tarfile.XGLTYPE), pax(records), GOOD)
    assert read_archive(content).files == {"default/app.conf": b"[install]\n"}


def test_an_archive_on_disk_is_read_the_same(tmp_path: Path) -> None:
    package = Package("TA-a", {"default/app.conf": b"[install]\n", "lookups/a.csv": b"a\n" * 200_000})
    path = tmp_path / "a.spl"
    path.write_bytes(write_archive(package))
    assert read_archive_file(path) == package


def test_local_content_is_left_to_the_lint() -> None:
    assert "local/props.conf" in read_archive(archive(GOOD, file("TA-a/local/props.conf"))).files


NAMES = st.text("abAB09._- éü\u0308", min_size=1, max_size=8)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(PATHS, st.binary(max_size=600), min_size=1, max_size=5)


@settings(max_examples=150)
@given(NAMES, FILES)
def test_a_written_archive_is_read_back(name: str, files: dict[str, bytes]) -> None:
    package = Package(name, files)
    try:
        content = write_archive(package)
    except ArchiveFault:
        return
    assert read_archive(content) == package
    assert content == write_archive(Package(name, dict(reversed(files.items()))))


WORDS = st.sampled_from(("default", "lookups", "props", "acme", "a_b", "static", "data"))
PLAIN_PATHS = st.builds("{}/{}{}".format, st.lists(WORDS, min_size=1, max_size=3).map("/".join), WORDS, st.just(".md"))
PLAIN_FILES = st.dictionaries(PLAIN_PATHS, st.text(max_size=50).map(str.encode), min_size=1, max_size=5)


@settings(max_examples=100)
@given(PLAIN_FILES)
def test_any_package_of_plain_names_and_texts_can_be_written(files: dict[str, bytes]) -> None:
    package = Package("TA-a", files)
    assert read_archive(write_archive(package)) == package


def test_a_written_archive_says_nothing_of_time_and_place() -> None:
    content = write_archive(Package("TA-a", {"default/app.conf": b"[install]\n", "README.md": b"x"}))
    assert content[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03"
    with tarfile.open(fileobj=io.BytesIO(content)) as reader:
        members = reader.getmembers()
    assert [each.name for each in members] == ["TA-a", "TA-a/README", "TA-a/default", "TA-a/default/app.conf"]
    assert {(each.mtime, each.uid, each.gid, each.uname) for each in members} == {(0, 0, 0, "root")}
    assert {oct(each.mode) for each in members} == {"0o755", "0o644"}


@pytest.mark.parametrize(
    ("code", "package"),
    [
        ("empty", Package("TA-a")),
        ("name-not-plain", Package("TA-a/b", {"x": b""})),
        ("name-not-plain", Package("", {"x": b""})),
        ("traversal", Package("TA-a", {"../x": b""})),
        ("name-not-plain", Package("TA-a", {"/x": b""})),
        ("conf-too-large", Package("TA-a", {"a.conf": b"#" * (MAX_CONF_BYTES + 1)})),
        ("duplicate-entry", Package("TA-a", {"a": b"", "A": b""})),
        ("duplicate-entry", Package("TA-a", {"a": b"", "a/b": b""})),
        ("nested-archive", Package("TA-a", {"a": b"\x1f\x8b"})),
    ],
)
def test_what_would_not_be_read_is_not_written(code: str, package: Package) -> None:
    with pytest.raises(ArchiveFault) as refused:
        write_archive(package)
    assert refused.value.code == code


@settings(max_examples=120)
@given(
    st.binary(max_size=200) | st.lists(st.sampled_from([GOOD, END, b"\0" * 512, folder("TA-a"), b"x"])).map(b"".join)
)
def test_any_bytes_are_a_package_or_a_fault(content: bytes) -> None:
    for tried in (content, gzip.compress(content), archive(content)):
        with contextlib.suppress(ArchiveFault):
            read_archive(tried, SMALL)


@settings(max_examples=100)
@given(st.integers(0, 2_000), st.integers(0, 255))
def test_one_changed_byte_of_the_tar_is_a_package_or_a_fault(at: int, value: int) -> None:
    tar = bytearray(GOOD + file("TA-a/lookups/a.csv", b"a,b\n1,2\n") + END)
    tar[at % len(tar)] = value
    with contextlib.suppress(ArchiveFault):
        read_archive(gzip.compress(bytes(tar)))
