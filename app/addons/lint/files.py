"""Files that an add-on should not have, and secrets in any of them."""

import re
from collections.abc import Iterator
from typing import Final

from app.addons.lint.documents import LintedPackage, Setting
from app.addons.lint.findings import LintFinding, Location, found
from app.addons.package.entries import ArchiveFault, check_content
from app.kernel.secret_names import is_secret_name

_SCRIPTS: Final = (
    ".py",
    ".sh",
    ".pl",
    ".js",
    ".exe",
    ".bat",
    ".ps1",
    ".cmd",
    ".so",
    ".dll",
    ".jar",
    ".pyc",
    ".rb",
    ".vbs",
)
MAX_SEARCHED_BYTES: Final = 4 * 1024 * 1024
"""Of one file; only lookups are larger."""
_NAMES_NO_SECRET: Final = frozenset({"props", "transforms", "eventtypes", "tags", "collections", "macros", "meta"})
"""Conf files whose keys are classes and fields: EXTRACT-password is no password."""
_HARMLESS_VALUES: Final = re.compile(r"\$[A-Za-z0-9_:.-]*\$?|\*+|<[^>]*>|changeme|true|false|[01]", re.IGNORECASE)
_SECRETS: Final = (
    ("a private key", re.compile(rb"-----BEGIN (?:[A-Z]{1,12} ){0,3}PRIVATE KEY-----")),
    ("an AWS access key", re.compile(rb"\bAKIA[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{36}\b")),
    ("a Slack token", re.compile(rb"\bxox[baprs]-[A-Za-z0-9-]{10,60}\b")),
    (
        "a password in a URL",
        re.compile(rb"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'\\()\[\]<>|]{1,64}:[^\s/:@\"'\\()\[\]<>|$]{3,64}@[a-z0-9]"),
    ),
)
"""Forms that no other text has by chance; the issuers' documented prefixes."""


def local_content(linted: LintedPackage) -> Iterator[LintFinding]:
    """Files in local/ and local.meta."""
    for path in sorted(linted.package.files):
        if path.startswith("local/") or path == "metadata/local.meta":
            yield found(
                "local-content", Location(path), "Local content belongs to the installation, not to the package."
            )


def programs(linted: LintedPackage) -> Iterator[LintFinding]:
    """Scripts, and compiled programs wherever they stand."""
    for path, content in sorted(linted.package.files.items()):
        if path.startswith("bin/") or path.casefold().endswith(_SCRIPTS):
            yield found("program", Location(path), "The file is a program or stands in bin/.")
            continue
        try:
            check_content(path, content)
        except ArchiveFault as fault:
            if fault.code != "conf-too-large":
                yield found("program", Location(path), f"{fault.reason}.")


def file_names(linted: LintedPackage) -> Iterator[LintFinding]:
    """Names with spaces, and hidden files."""
    for path in sorted(linted.package.files):
        if " " in path:
            yield found("file-name-space", Location(path), "The file's name has a space.")
        if any(part.startswith(".") for part in path.split("/")):
            yield found("hidden-file", Location(path), "A part of the file's name begins with a dot.")


def secrets(linted: LintedPackage) -> Iterator[LintFinding]:
    """Settings whose names are those of secrets, and texts that are secrets by their form."""
    for document in linted.documents:
        if document.kind in _NAMES_NO_SECRET:
            continue
        for setting in linted.settings(document.kind):
            if setting.document is document and _holds_secret(setting):
                message = f"{setting.key[:80]} holds what its name says is a secret."
                yield found("secret", setting.location, message)
    for path, content in sorted(linted.package.files.items()):
        for what, pattern in _SECRETS:
            match = pattern.search(content, 0, MAX_SEARCHED_BYTES)
            if match is not None:
                line = content.count(b"\n", 0, match.start()) + 1
                yield found("secret", Location(path, line), f"The file holds {what}.")


def _holds_secret(setting: Setting) -> bool:
    return bool(setting.value) and is_secret_name(setting.key) and not _HARMLESS_VALUES.fullmatch(setting.value)
