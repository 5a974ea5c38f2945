"""Values made of parts: an address with a port, a request line, an address of the web, numbers between slashes.

Each is written as one pattern whose named groups are the parts; where the whole is worth a field too, the groups nest.
The patterns are wide on purpose: a sample shows few of the values that will come.
"""

import re
from collections.abc import Callable, Sequence

from app.addons.generator.shapes.recognition import shape_of
from app.addons.generator.shapes.shape import Shape

_REQUEST = re.compile(r"[A-Z]{3,12} \S+(?: HTTP/\d(?:\.\d)?)?")
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,12}://[^\s/]+(?:/\S*)?")
_NUMBERS = re.compile(r"[+-]?\d+(?:/[+-]?\d+)+")
_TWO_PARTS = re.compile(r"[^\s/:=]{1,80}/[^\s/:=]{1,80}")
_CALL = re.compile(r"[A-Za-z_]\w*\([^()\s:]+:[^()\s:]+\)")
_HOST_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/]+):\d{1,5}")
_BLANK = frozenset({"-", ""})


Composite = Callable[[str, str], str]
"""The pattern of a value of parts, by the field's name and the characters that end the value, as a class has them."""


def value_of(stop: str) -> str:
    """The pattern of a value without blanks that ends before the character, escaped; empty: before a blank.

    Marks of sentences stand inside values as well: there only the last one ends the value.
    """
    if stop in (":", r"\.", "!", r"\?"):
        return rf"[^\s{stop}]++(?:{stop}(?=\w)[^\s{stop}]++)*+"
    return rf"[^\s{stop}]++"


URL_PARTS = (
    r"(?:(?<{0}_scheme>[a-z][a-z0-9+.-]{{1,12}})://(?<{0}_host>\[[^\]\s]*\]|[^\s/:\"]*)(?::(?<{0}_port>\d{{1,5}}))?)?"
    r"(?<{0}_path>[^\s?\"]*)(?:\?(?<{0}_query>[^\s\"]*))?"
)
"""The parts of a URL (RFC 3986), each optional: a request line mostly holds a path alone."""


def _request(name: str, stop: str) -> str:
    url = rf"(?<url>{URL_PARTS.format('url')})"
    line = rf"(?<http_method>[A-Z]{{3,12}}) {url}(?: (?<http_protocol>HTTP)/(?<http_version>[\d.]+))?"
    return rf"(?<{name}>(?:{line}|[^{stop}]*))"


def _url(name: str, stop: str) -> str:
    return rf"(?<{name}>-|{URL_PARTS.format(name)}[^\s{stop}]*)"


def _host_port(name: str, stop: str) -> str:
    base = name.removesuffix("_port").removesuffix("_ip").removesuffix("_socket") or name
    host = rf"(?|\[(?<{base}_ip>[0-9A-Fa-f:.%]++)\]|(?<{base}_ip>[^\s:\[\]{stop}]++))"
    return rf"{host}(?::(?<{base}_port>\d{{1,5}}))?"


def _numbers(count: int) -> Composite:
    def pattern(name: str, stop: str) -> str:
        return "/".join(rf"(?<{name}_{number}>[^\s/{stop}]++)" for number in range(1, count + 1))

    return pattern


def _two(name: str, stop: str) -> str:
    return rf"(?<{name}>(?<{name}_1>[^\s/{stop}]++)(?:/(?<{name}_2>{value_of(stop)}))?)"


def _call(name: str, stop: str) -> str:
    parts = rf"(?<{name}_kind>\w+)\((?<{name}_time>[^\s:()]+):(?<{name}_id>[^\s:()]+)\)"
    return rf"(?<{name}>{parts}|{value_of(stop)})"


_SORTS: tuple[tuple[Callable[[str], object], Composite], ...] = (
    (lambda value: _HOST_PORT.fullmatch(value) or shape_of(value) is Shape.IP_PORT, _host_port),
    (_URL.fullmatch, _url),
    (_CALL.fullmatch, _call),
    (_TWO_PARTS.fullmatch, _two),
)
"""What each of the values must be, and the pattern then; the first that fits all."""


def composite_of(values: Sequence[str], quoted: bool) -> Composite | None:
    """The composite that all values are, placeholders apart; None where they are plain values."""
    filled = [value for value in values if value not in _BLANK]
    if not filled:
        return None
    if quoted:
        return _request if all(_REQUEST.fullmatch(value) for value in filled) else None
    if all(_NUMBERS.fullmatch(value) for value in filled):
        counts = {value.count("/") for value in filled}
        return _numbers(counts.pop() + 1) if len(counts) == 1 else None
    return next((pattern for fits, pattern in _SORTS if all(fits(value) for value in filled)), None)
