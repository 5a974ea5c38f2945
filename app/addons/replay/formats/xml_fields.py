"""Fields of XML events: KV_MODE = xml.

Names are paths as the command `spath` writes them: `Event.System.EventID`, attributes as
`Event.System.Provider{@Name}`; names stand without their namespace. A text that is cut off is read as far as it goes.
"""

from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from app.addons.replay.formats.json_fields import EXTRACTION_CUTOFF

MAX_DEPTH = 100
_PIECE = 512
"""Characters that the parser gets at a time: what stands before a fault is kept to within a piece."""


def is_xml(text: str) -> bool:
    """Whether the text begins like an element."""
    return text.lstrip()[:1] == "<"


def xml_fields(text: str, limit: int = EXTRACTION_CUTOFF) -> dict[str, list[str]]:
    """The values of each path in the first `limit` characters; empty where the text is no XML."""
    if not is_xml(text):
        return {}
    target = _Target()
    cut = text.lstrip()[:limit]
    try:
        parser: Any = DefusedXMLParser(target=target, forbid_dtd=True)
        for begin in range(0, len(cut), _PIECE):
            parser.feed(cut[begin : begin + _PIECE])
    except (ParseError, DefusedXmlException, _TooDeep, ValueError):
        return target.found
    return target.found


class _TooDeep(Exception):  # noqa: N818 - ends the parsing of one text, no error of the program
    """The elements are nested deeper than is read."""


class _Target:
    """Collects values while the parser calls."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self._path: list[str] = []
        self._text: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if len(self._path) >= MAX_DEPTH:
            raise _TooDeep
        self._path.append(tag.rpartition("}")[2])
        self._text = []
        for name, value in attributes.items():
            self._add(f"{'.'.join(self._path)}{{@{name.rpartition('}')[2]}}}", value)

    def data(self, text: str) -> None:
        """Text of the element."""
        self._text.append(text)

    def end(self, _tag: str) -> None:
        """The element ends."""
        self._add(".".join(self._path), "".join(self._text).strip())
        self._path.pop()
        self._text = []

    def close(self) -> None:
        """The document ends."""

    def _add(self, path: str, value: str) -> None:
        if value:
            self.found.setdefault(path, []).append(value)
