"""The package as the rules read it: every conf file parsed once, with the place of each stanza and setting."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.addons.lint.findings import Location
from app.addons.package.conf import MAX_CONF_BYTES, MAX_STANZAS, ConfFile, Stanza, overlaid, parse_conf
from app.addons.package.entries import is_conf
from app.addons.package.files import Package

MAX_READ_FILES = 500
"""Conf files and lookups of one package that are read; add-ons have some dozen."""
MAX_SETTINGS = 10_000
"""Of one package: each can be an expression that is compiled. The largest add-ons of Splunk's own have some 3,000."""
MAX_READ_BYTES = 2 * MAX_CONF_BYTES
"""Of all conf files together."""
MAX_VALUE_CHARACTERS = 32_768
"""Of one value; no longer expression is compiled (`app/addons/regexes.py`), and no rule looks into a longer value."""
LAYERS = ("default", "local")
_CONF_PATH = re.compile(r"(default|local)/([^/]+)\.conf")


@dataclass(frozen=True)
class Document:
    """One conf file. `kind` is the file's name without its ending (`props`), `layer` its folder.

    `conf` is without the values that no rule looks into; `overlong` says where those stand.
    """

    path: str
    kind: str
    layer: str
    text: str
    conf: ConfFile
    overlong: tuple[Location, ...] = ()


@dataclass(frozen=True)
class Setting:
    """One `key = value` with the place where it stands."""

    document: Document
    stanza: Stanza
    key: str
    value: str

    @property
    def location(self) -> Location:
        """Where the setting stands."""
        return Location(self.document.path, self.stanza.lines.get(self.key), self.stanza.name, self.key)


@dataclass(frozen=True)
class LintedPackage:
    """The package and its conf files; `unread` are conf files beyond the limits, which no rule looks into."""

    package: Package
    documents: tuple[Document, ...]
    unread: tuple[str, ...]

    def of_kind(self, kind: str) -> Iterator[Document]:
        """The conf files of that name, `default/` before `local/`."""
        return (document for document in self.documents if document.kind == kind)

    def stanzas(self, kind: str) -> Iterator[tuple[Document, Stanza]]:
        """Every stanza of the conf files of that name, layer by layer."""
        return ((document, stanza) for document in self.of_kind(kind) for stanza in document.conf.stanzas)

    def settings(self, kind: str, prefix: str = "") -> Iterator[Setting]:
        """Every setting whose key begins with the prefix."""
        for document, stanza in self.stanzas(kind):
            for key, value in stanza.settings.items():
                if key.startswith(prefix):
                    yield Setting(document, stanza, key, value)

    def merged(self, kind: str) -> Mapping[str, Stanza]:
        """The stanzas by name, `local/` laid over `default/` as Splunk does."""
        return overlaid(stanza for _, stanza in self.stanzas(kind))


def stanza_location(document: Document, stanza: Stanza) -> Location:
    """Where the stanza begins."""
    return Location(document.path, stanza.line or None, stanza.name)


def linted_package(package: Package) -> LintedPackage:
    """The package with its conf files parsed, within the limits of this module and `app/addons/package/conf.py`."""
    documents: list[Document] = []
    unread: list[str] = []
    settings = size = 0
    for path in sorted(filter(is_conf, package.files)):
        document = None
        size += len(package.files[path])
        if len(package.files[path]) <= MAX_CONF_BYTES and size <= MAX_READ_BYTES and len(documents) < MAX_READ_FILES:
            document = _document(path, package.text(path) or "")
            settings += sum(len(stanza.settings) for stanza in document.conf.stanzas) if document else 0
        if document is None or settings > MAX_SETTINGS:
            unread.append(path)
        else:
            documents.append(document)
    documents.sort(key=lambda each: (LAYERS.index(each.layer) if each.layer in LAYERS else 2, each.path))
    return LintedPackage(package, tuple(documents), tuple(unread))


def _document(path: str, text: str) -> Document | None:
    """The conf file; None for one with too many stanzas."""
    if text.count("\n[") > MAX_STANZAS:
        return None
    named = _CONF_PATH.fullmatch(path)
    kind, layer = (named[2], named[1]) if named else (_other_kind(path), path.partition("/")[0])
    conf = parse_conf(text)
    overlong = tuple(
        Location(path, stanza.lines[key], stanza.name, key)
        for stanza in conf.stanzas
        for key, value in stanza.settings.items()
        if len(value) > MAX_VALUE_CHARACTERS
    )
    if overlong:
        conf = ConfFile(tuple(map(_shortened, conf.stanzas)), conf.faults)
    return Document(path, kind, layer, text, conf, overlong)


def _shortened(stanza: Stanza) -> Stanza:
    short = {key: value for key, value in stanza.settings.items() if len(value) <= MAX_VALUE_CHARACTERS}
    return Stanza(stanza.name, short, stanza.line, stanza.lines)


def _other_kind(path: str) -> str:
    """`meta` for metadata; empty for a conf file that stands where Splunk does not read."""
    return "meta" if path in ("metadata/default.meta", "metadata/local.meta") else ""
