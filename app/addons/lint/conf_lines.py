"""Lines, stanzas and encodings of conf files."""

import re
from collections.abc import Iterator

from app.addons.lint.documents import MAX_VALUE_CHARACTERS, Document, LintedPackage
from app.addons.lint.findings import LintFinding, Location, found

_TEXT_ENDINGS = (".conf", ".meta", ".csv", ".md", ".txt", ".manifest", ".xml", ".json", ".spec")
_BOM = b"\xef\xbb\xbf"
_BROKEN_CONTINUATION = re.compile(r"\\[ \t]+\r?$", re.MULTILINE)


def conf_too_large(linted: LintedPackage) -> Iterator[LintFinding]:
    """Conf files that no other rule looks into."""
    for path in linted.unread:
        yield found("conf-too-large", Location(path), "The file is too large to be checked, or has too many stanzas.")


def overlong_values(linted: LintedPackage) -> Iterator[LintFinding]:
    """Values that no other rule looks into."""
    for document in linted.documents:
        for location in document.overlong:
            message = f"The value has more than {MAX_VALUE_CHARACTERS} characters and is not looked into."
            yield found("value-too-long", location, message)


def encodings(linted: LintedPackage) -> Iterator[LintFinding]:
    """Text files that are not UTF-8, or begin with a byte order mark."""
    for path, content in sorted(linted.package.files.items()):
        if not path.casefold().endswith(_TEXT_ENDINGS):
            continue
        if content.startswith(_BOM):
            yield found("byte-order-mark", Location(path, 1), "The file begins with a byte order mark.")
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            message = f"Byte {error.start} (0x{content[error.start]:02x}) is not UTF-8."
            yield found("not-utf-8", Location(path, line), message)


def line_faults(linted: LintedPackage) -> Iterator[LintFinding]:
    """What the reading of conf files noted: duplicates, lines that are none."""
    for document in linted.documents:
        for fault in document.conf.faults:
            stanza = _stanza_at(document, fault.line)
            yield found(fault.code, Location(document.path, fault.line, stanza), fault.message)


def settings_outside_stanzas(linted: LintedPackage) -> Iterator[LintFinding]:
    """Settings before the first stanza."""
    for document in linted.documents:
        for number, line in enumerate(document.text.split("\n"), start=1):
            stripped = line.strip()
            if stripped.startswith("["):
                break
            if "=" in stripped and not stripped.startswith("#"):
                key = stripped.partition("=")[0].strip()
                message = f"{key[:80]} stands before the first stanza and holds for all."
                yield found("setting-outside-stanza", Location(document.path, number, None, key), message)
                break


def broken_continuations(linted: LintedPackage) -> Iterator[LintFinding]:
    """Backslashes with blanks behind at the end of a line."""
    for document in linted.documents:
        for match in _BROKEN_CONTINUATION.finditer(document.text):
            begin = document.text.rfind("\n", 0, match.start()) + 1
            if document.text[begin : match.start()].lstrip().startswith("#"):
                continue
            line = document.text.count("\n", 0, match.start()) + 1
            location = Location(document.path, line, _stanza_at(document, line))
            yield found("broken-continuation", location, "Blanks stand behind the backslash: the value ends here.")


def unread_places(linted: LintedPackage) -> Iterator[LintFinding]:
    """Conf files where Splunk does not read any."""
    for document in linted.documents:
        if not document.kind and not document.path.startswith("README/"):
            yield found(
                "conf-not-read", Location(document.path), "Splunk reads conf files in default/ and local/ only."
            )


def _stanza_at(document: Document, line: int) -> str | None:
    """The stanza whose header stands last before the line, of those that stand in the file once."""
    before = [stanza for stanza in document.conf.stanzas if 0 < stanza.line <= line]
    return max(before, key=lambda stanza: stanza.line).name if before else None
