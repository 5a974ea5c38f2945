"""What a file of a package may be called and hold: the rules that reading and writing archives share.

Names must mean the same file on every system that Splunk runs on (Linux, macOS, Windows), and no name may lead out of
the package's folder. Contents are plain files: no program of a processor, no archive within the archive.
"""

import re
import unicodedata

from app.addons.package.conf import MAX_CONF_BYTES
from app.addons.package.names import is_device

MAX_PATH_BYTES = 240
"""Windows opens paths of 260 characters; `ustar` headers hold 255 bytes. The rest is for Splunk's own folder."""
MAX_NAME_BYTES = 100
"""Of one folder or file, in UTF-8: the `name` field of a `ustar` header."""
MAX_DEPTH = 10
"""Folders in a path. Splunk's own deepest, `default/data/ui/views`, has four."""
SHOWN_CHARACTERS = 160
"""Of a hostile name in a message."""

_DRIVE = re.compile(r"[A-Za-z]:")
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Control and format characters (bidirectional overrides, zero widths), line separators, unassigned ones."""

_ARCHIVES = (
    (b"\x1f\x8b", "a gzip file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1f\x9d", "a compress(1) file"),
)
"""First bytes of archives, from `file(1)`'s magic. What is inside of them would not be read by anybody here."""
_PROGRAMS = (
    (b"\x7fELF", "an ELF program"),
    (b"MZ", "a Windows program"),
    (b"\xfe\xed\xfa\xce", "a Mach-O program"),
    (b"\xfe\xed\xfa\xcf", "a Mach-O program"),
    (b"\xce\xfa\xed\xfe", "a Mach-O program"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O program"),
    (b"\xca\xfe\xba\xbe", "a Java class or universal Mach-O program"),
    (b"\x00asm", "a WebAssembly program"),
    (b"!<arch>\n", "an object library"),
)
"""First bytes of compiled programs, from `file(1)`'s magic. A technology add-on of text files needs none."""
_TAR_MAGIC = slice(257, 262)
_DOS_HEADER_BYTES = 64
"""A text file may begin with MZ; a DOS header has 64 bytes, and NULs among them."""


class ArchiveFault(ValueError):  # noqa: N818 - a fault of the archive, not of the program
    """The archive or package is refused: `entry` is the name of the entry at fault, None where the fault has none.

    `code` is stable and in kebab-case; the message names the entry and says why, and can be shown as it is.
    """

    def __init__(self, code: str, reason: str, entry: str | None = None) -> None:
        self.code = code
        self.reason = reason
        self.entry = entry
        super().__init__(reason if entry is None else f"{shown(entry)}: {reason}")


def shown(name: str) -> str:
    """The name as it may stand in a message: unprintable characters escaped, long names cut."""
    cut = name if len(name) <= SHOWN_CHARACTERS else f"{name[:SHOWN_CHARACTERS]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def folded(path: str) -> str:
    """The path as file systems compare names that ignore case and Unicode normal forms (Windows, macOS)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", path).casefold())


def check_path(path: str) -> tuple[str, ...]:
    """The parts of an entry's path; raises ArchiveFault for a path that is unsafe on any system."""
    if _DRIVE.match(path):
        raise ArchiveFault("absolute-path", "the name begins with a drive letter", path)
    if path.startswith("/"):
        raise ArchiveFault("absolute-path", "the name is absolute", path)
    if "\\" in path:
        raise ArchiveFault("backslash", "the name holds a backslash, which is a separator on Windows", path)
    if len(path.encode("utf-8", errors="surrogatepass")) > MAX_PATH_BYTES:
        raise ArchiveFault("path-too-long", f"the name has more than {MAX_PATH_BYTES} bytes", path)
    parts = tuple(path.split("/"))
    if ".." in parts:
        raise ArchiveFault("traversal", "the name leads out of its folder by ..", path)
    if len(parts) > MAX_DEPTH:
        raise ArchiveFault("path-too-deep", f"the name has more than {MAX_DEPTH} parts", path)
    for part in parts:
        _check_part(part, path)
    return parts


def _check_part(part: str, path: str) -> None:
    if part in ("", "."):
        raise ArchiveFault("name-not-plain", "a part of the name is empty or a single dot", path)
    if any(unicodedata.category(character) in _FORBIDDEN_CATEGORIES for character in part):
        raise ArchiveFault("control-character", "the name holds a control or invisible character", path)
    if any(character in '<>:"|?*' for character in part):
        raise ArchiveFault("not-portable", 'the name holds one of < > : " | ? *, which Windows does not allow', path)
    if part != part.strip(" ") or part.endswith("."):
        raise ArchiveFault("not-portable", "a part of the name begins or ends with a space, or ends with a dot", path)
    if is_device(part):
        raise ArchiveFault("not-portable", "a part of the name is a device of Windows (CON, NUL, COM1 …)", path)
    if len(part.encode("utf-8", errors="surrogatepass")) > MAX_NAME_BYTES:
        raise ArchiveFault("path-too-long", f"a part of the name has more than {MAX_NAME_BYTES} bytes", path)


def is_conf(path: str) -> bool:
    """Whether Splunk reads the file as a conf file: `.conf` and `.meta`."""
    return path.casefold().endswith((".conf", ".meta"))


def check_content(path: str, content: bytes) -> None:
    """Raise ArchiveFault for a file that no add-on of text files has: programs, archives, oversized conf files."""
    if is_conf(path) and len(content) > MAX_CONF_BYTES:
        raise ArchiveFault("conf-too-large", f"a conf file of more than {MAX_CONF_BYTES} bytes", path)
    for magic, what in _ARCHIVES:
        if content.startswith(magic):
            raise ArchiveFault("nested-archive", f"the file is {what}: unpack it, lookups too", path)
    if content[_TAR_MAGIC] == b"ustar":
        raise ArchiveFault("nested-archive", "the file is a tar archive", path)
    for magic, what in _PROGRAMS:
        if content.startswith(magic) and (magic != b"MZ" or b"\0" in content[:_DOS_HEADER_BYTES]):
            raise ArchiveFault("program", f"the file is {what}", path)


class PathIndex:
    """The paths that an archive holds so far: refuses two that are the same on any file system."""

    def __init__(self) -> None:
        self._exact: dict[str, str] = {}
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add_file(self, parts: tuple[str, ...]) -> None:
        """Take the file in; raises ArchiveFault where another entry has the name."""
        path = "/".join(parts)
        self._take(parts)
        if path in self._files or path in self._folders:
            raise ArchiveFault("duplicate-entry", "the name stands in the archive twice", path)
        self._files.add(path)

    def add_folder(self, parts: tuple[str, ...]) -> None:
        """Take the folder in; raises ArchiveFault where another entry has the name."""
        path = "/".join(parts)
        self._take(parts)
        if path in self._files:
            raise ArchiveFault("duplicate-entry", "the name is a file's and a folder's", path)
        self._folders.add(path)

    def _take(self, parts: tuple[str, ...]) -> None:
        for length in range(1, len(parts) + 1):
            path = "/".join(parts[:length])
            if self._exact.setdefault(folded(path), path) != path:
                reason = f"{shown(self._exact[folded(path)])} has the same name but for case or Unicode form"
                raise ArchiveFault("duplicate-entry", reason, "/".join(parts))
            if length < len(parts):
                if path in self._files:
                    raise ArchiveFault(
                        "duplicate-entry", f"{shown(path)} is a file and cannot hold it", "/".join(parts)
                    )
                self._folders.add(path)
