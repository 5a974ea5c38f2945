"""Names and versions of add-ons: what Splunk and its checker take.

Sources: app.conf.spec, `[package] id` (letters, digits, dot, underscore; no dot at the end; no device of Windows);
splunk-appinspect allows the hyphen too and forbids a digit at the start; Splunk's naming conventions put `TA-` before
a technology add-on. Versions are semantic versions 2.0.0, which splunk-appinspect demands.
"""

import re
import unicodedata
from typing import Final

MAX_NAME_CHARACTERS: Final = 64
"""Of an add-on's name; paths below the folder must still fit (`entries.MAX_PATH_BYTES`)."""
PREFIX: Final = "TA-"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,63}(?<!\.)")
_DEVICE: Final = re.compile(r"(?i)\s*(con|prn|aux|nul|com[0-9]|lpt[0-9])\s*(\.|\Z)")
_ARCHIVE_ENDING: Final = re.compile(r"(?i)\.(tar|tgz|tar\.gz|spl)$")
_GIVEN_PREFIX: Final = re.compile(r"(?i)^(splunk[ _-]+ta|ta)[ _.-]+")
_VERSION: Final = re.compile(
    r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})"
    r"(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
"""semver.org's own expression, the numbers bounded."""
_MAX_VERSION: Final = 64


def is_addon_name(name: str) -> bool:
    """Whether Splunk and its checker take the name for a package's folder."""
    return bool(_NAME.fullmatch(name)) and not is_device(name) and not _ARCHIVE_ENDING.search(name)


def is_device(name: str) -> bool:
    """Whether Windows takes the name of a file or folder for a device's, in any case of letters and with any suffix."""
    return _DEVICE.match(name) is not None


SOURCETYPE_PATTERN = r"^[A-Za-z0-9_.:-]{1,80}$"
"""Splunk's documentation of source types: letters, digits, `_`, and by habit `:`, `.` and `-`."""


def is_sourcetype(name: str) -> bool:
    """Whether the name can be a sourcetype: one that no conf file and no search has to quote."""
    return re.fullmatch(SOURCETYPE_PATTERN, name) is not None and "\n" not in name


def is_version(version: str) -> bool:
    """Whether the text is a semantic version 2.0.0."""
    return len(version) <= _MAX_VERSION and bool(_VERSION.fullmatch(version))


def addon_name(wish: str) -> str:
    """The folder name for that wish, the same for the same wish: `acme-vpn` becomes `TA-acme-vpn`.

    Letters lose their accents; everything else but letters, digits, `_`, `-` and `.` becomes `_`. A prefix that stands
    there already (`TA-`, `ta_`, `Splunk_TA_`) is not doubled. A wish of which nothing is left is `TA-addon`.
    """
    plain = unicodedata.normalize("NFKD", wish[: 4 * MAX_NAME_CHARACTERS]).encode("ascii", "ignore").decode()
    plain = _GIVEN_PREFIX.sub("", plain.strip())
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", plain)
    plain = re.sub(r"([._-])[._-]*", r"\1", plain)
    plain = _ARCHIVE_ENDING.sub("", plain[: MAX_NAME_CHARACTERS - len(PREFIX)]).strip("._-")
    while _ARCHIVE_ENDING.search(plain):
        plain = _ARCHIVE_ENDING.sub("", plain).strip("._-")
    return f"{PREFIX}{plain or 'addon'}"
