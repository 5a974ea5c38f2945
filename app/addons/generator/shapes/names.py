"""A field's name: the format's own key, else the words beside the value, else the shape and the fields before it.

Names are those of Splunk's Common Information Model where words and shape say the same (`src_ip`, `user`, `status`).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from app.addons.generator.shapes.fragments import APPLICATIONS, TRANSPORTS
from app.addons.generator.shapes.profiles import FieldProfile
from app.addons.generator.shapes.recognition import shape_of
from app.addons.generator.shapes.shape import Shape

MAX_NAME_CHARACTERS = 80
_LOOKED_AT = 120
"""Characters before and after a value in which words are looked for."""

RESERVED_NAMES = frozenset(
    {"host", "source", "sourcetype", "index", "linecount", "punct", "splunk_server", "timestamp", "eventtype", "tag"}
    | {"date_hour", "date_mday", "date_minute", "date_month", "date_second", "date_wday", "date_year", "date_zone"}
    | {"splunk_server_group", "timeendpos", "timestartpos"}
)
"""Fields that Splunk gives every event (Knowledge Manager manual, "Use default fields"): an extraction of such a name
would hide them."""

_KEY_BEFORE = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]{0,60})[\"']?\s{0,2}(?:=|:=|:|=>)\s{0,2}[\"'<\[({]{0,2}\Z")
_WORD_BEFORE = re.compile(r"([A-Za-z][A-Za-z_-]{1,40})[\s#]{0,3}[\"'<\[({#]{0,2}\Z")
_WORDS_BEFORE = re.compile(r"([A-Za-z][A-Za-z ]{0,60})[\s=:]{0,3}[\"'<\[({]{0,2}\Z")
_WORD_AFTER = re.compile(r"\A[\"'>\])}]{0,2}\s?([A-Za-z]{1,20})\b")
_HTTP_VERSION_BEFORE = re.compile(r"HTTP/[0-9](?:\.[0-9])?\"?\s{1,3}\Z")
_HTTP_STATUS_BEFORE = re.compile(r"HTTP/[0-9](?:\.[0-9])?\"?\s{1,3}[1-5][0-9]{2}\s{1,3}\Z")

_REQUEST_AFTER = re.compile(r"\"(?:GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|CONNECT) \S")
_STATUS_BEFORE = re.compile(r"(?:\A|\s)[1-5][0-9]{2}\s{1,3}\Z")
_LEAST_STATUS, _GREATEST_STATUS = 100, 599
"""RFC 9110, section 15."""
_PORT_BEFORE = re.compile(r"(?:\b([A-Za-z]{2,12})[ =:]\S{1,60}[ ,:]{1,2})?\bport[ =:#]{1,2}\Z", re.IGNORECASE)
_PROCESS_BEFORE = re.compile(r"[A-Za-z0-9_)-]\[\Z")

_ADDRESSES = frozenset({Shape.IPV4, Shape.IPV6, Shape.IP, Shape.IP_PORT, Shape.HOST_PORT, Shape.DOMAIN_NAME})
_PERSONS = frozenset({Shape.WORD, Shape.EMAIL, Shape.WINDOWS_ACCOUNT, Shape.USER_AT_HOST, Shape.TEXT, Shape.INTEGER})
_PLAIN = frozenset({Shape.INTEGER, Shape.SIGNED, Shape.DECIMAL, Shape.WORD, Shape.TEXT, Shape.HEX, Shape.UUID})
_SOURCE_WORDS = frozenset({"from", "by", "client", "rhost", "src", "source", "peer", "remote", "origin", "saddr"})
_DESTINATION_WORDS = frozenset(
    {"to", "dest", "destination", "server", "dst", "upstream", "target", "daddr", "on", "at"}
)
_LEASE_WORDS = frozenset({"assigned", "allocated", "leased"})
_USER_ENDINGS = (
    *(" user", " user name", " username", " account", " account name", " login", " principal", " uname", " logname"),
    *(" userid", " operator", " admin"),
)
_STOP_WORDS = frozenset(
    {"a", "an", "the", "in", "of", "is", "was", "were", "be", "been", "are", "at", "to", "from", "for", "and", "or"}
    | {"with", "by", "on", "not", "no", "as", "it", "its", "that", "this", "than", "then", "has", "have", "had"}
    | {"after", "before", "into", "over", "under", "until", "up", "down", "out", "off", "per", "via", "http", "https"}
)
_MAIL_KEYS = {"from": "sender", "to": "recipient", "cc": "recipient", "bcc": "recipient"}
_BY_SHAPE: Mapping[Shape, tuple[str, ...]] = {
    Shape.IPV4: ("src_ip", "dest_ip", "ip"),
    Shape.IPV6: ("src_ip", "dest_ip", "ip"),
    Shape.IP: ("src_ip", "dest_ip", "ip"),
    Shape.IP_PORT: ("src_socket", "dest_socket", "socket"),
    Shape.HOST_PORT: ("dest_socket", "socket"),
    Shape.MAC: ("src_mac", "dest_mac", "mac"),
    Shape.URL: ("url",),
    Shape.URI_PATH: ("uri_path",),
    Shape.EMAIL: ("email",),
    Shape.DOMAIN_NAME: ("hostname",),
    Shape.USER_AT_HOST: ("user_host",),
    Shape.WINDOWS_ACCOUNT: ("user",),
    Shape.UUID: ("uuid",),
    Shape.HASH_MD5: ("md5",),
    Shape.HASH_SHA1: ("sha1",),
    Shape.HASH_SHA256: ("sha256",),
    Shape.HASH_SHA512: ("sha512",),
    Shape.DURATION: ("duration",),
    Shape.BYTES: ("size",),
    Shape.HTTP_METHOD: ("http_method",),
    Shape.HTTP_VERSION: ("http_version",),
    Shape.USER_AGENT: ("http_user_agent",),
    Shape.MIME_TYPE: ("http_content_type",),
    Shape.TLS_VERSION: ("ssl_version",),
    Shape.PATH_UNIX: ("file_path",),
    Shape.PATH_WINDOWS: ("file_path",),
    Shape.REGISTRY_KEY: ("registry_path",),
    Shape.SID: ("sid",),
    Shape.SEVERITY: ("severity",),
    Shape.TIMESTAMP: ("event_time",),
    Shape.VERSION: ("version",),
}
"""Names by shape alone, the first one that is free."""
_BY_UNIT: Mapping[str, str] = {
    **dict.fromkeys(("bytes", "byte", "b", "kb", "mb"), "bytes"),
    **dict.fromkeys(("ms", "us", "ns", "s", "sec", "secs", "seconds", "second", "milliseconds", "min"), "duration"),
    **dict.fromkeys(("packets", "pkts"), "packets"),
    **dict.fromkeys(("times", "time"), "count"),
}
"""Names of numbers by the word behind them."""


def clean_name(key: str) -> str:
    """The key as Splunk cleans keys: other characters become `_`, leading digits and `_` go; empty where none is left.

    transforms.conf.spec, CLEAN_KEYS. A default field's name gets `event_` in front, as an extraction would hide it.
    """
    cleaned = re.sub(r"[^A-Za-z0-9_]", "_", key[:MAX_NAME_CHARACTERS]).lstrip("_0123456789").rstrip("_")
    return f"event_{cleaned}" if cleaned in RESERVED_NAMES else cleaned


def field_name(key: str) -> str:
    """The name of the field that a key of the log becomes; `field` where nothing of the key is left."""
    return clean_name(key) or "field"


def name_for(
    profile: FieldProfile, *, key: str | None, before: str, after: str, position: int, taken: Collection[str]
) -> str:
    """A name that is not taken. `before` and `after` are the text of an event beside the value; positions from 1."""
    place = _Place(profile, before[-_LOOKED_AT:], after[:_LOOKED_AT], frozenset(taken))
    candidates = [clean_name(key or ""), *_by_words(place), *_by_shape(place), f"field_{max(position, 0)}"]
    return _unique(next(name for name in candidates if name), place.taken)


@dataclass(frozen=True)
class _Place:
    """Where a value stands: its field's profile, the text on both sides, and the names of other fields."""

    profile: FieldProfile
    before: str
    after: str
    taken: frozenset[str]

    @property
    def shape(self) -> Shape:
        """The shape that names go by: addresses of both versions are addresses."""
        return Shape.IP if self.profile.covering is Shape.IP else self.profile.shape

    @property
    def said(self) -> str:
        """The words right before the value, lower case, one blank between."""
        words = _WORDS_BEFORE.search(self.before)
        return " ".join(words[1].lower().split()) if words else ""


def _unique(name: str, taken: Collection[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _by_words(place: _Place) -> Iterator[str]:
    """Names that the words beside the value give, the most certain first."""
    if place.shape in _ADDRESSES:
        yield from _address_by_words(place)
        return
    if place.shape is Shape.INTEGER:
        yield from _http_figures(place)
        yield from _port(place.before)
    keyed = _KEY_BEFORE.search(place.before)
    if place.shape is Shape.EMAIL and keyed and keyed[1].lower() in _MAIL_KEYS:
        yield _MAIL_KEYS[keyed[1].lower()]
    if place.shape in _PERSONS:
        yield from _person_by_words(place)
    if keyed and keyed[1].lower() not in _STOP_WORDS and shape_of(keyed[1]) is not Shape.SEVERITY:
        yield clean_name(keyed[1])
    if place.shape in _PLAIN:
        yield from _plain_by_words(place)


def _http_figures(place: _Place) -> Iterator[str]:
    """What stands beside the request line of an access log: the status, then the bytes of the answer.

    Apache and nginx write both behind the request, load balancers before it.
    """
    if _HTTP_VERSION_BEFORE.search(place.before):
        yield "status"
    if _HTTP_STATUS_BEFORE.search(place.before):
        yield "bytes"
    if _REQUEST_AFTER.search(place.after):
        least, greatest = place.profile.numeric_range or (0.0, 0.0)
        if _LEAST_STATUS <= least <= greatest <= _GREATEST_STATUS:
            yield "status"
        elif "status" in place.taken and _STATUS_BEFORE.search(place.before):
            yield "bytes"


def _port(before: str) -> Iterator[str]:
    said = _PORT_BEFORE.search(before)
    if said:
        side = "src_" if (said[1] or "").lower() in _SOURCE_WORDS else "dest_"
        yield f"{side}port" if (said[1] or "").lower() in _SOURCE_WORDS | _DESTINATION_WORDS else "port"


def _address_by_words(place: _Place) -> Iterator[str]:
    keyed, word = _KEY_BEFORE.search(place.before), _WORD_BEFORE.search(place.before)
    said = (keyed[1] if keyed else word[1] if word else "").lower()
    if place.shape in {Shape.IPV4, Shape.IPV6, Shape.IP}:
        kind = "ip"
    else:
        kind = "host" if place.shape is Shape.DOMAIN_NAME else "socket"
    if said in _SOURCE_WORDS:
        yield f"src_{kind}"
    elif said in _DESTINATION_WORDS:
        yield f"dest_{kind}"
    elif said in _LEASE_WORDS:
        yield f"assigned_{kind}"
    elif keyed:
        yield clean_name(keyed[1])


def _person_by_words(place: _Place) -> Iterator[str]:
    said = f" {place.said}"
    somebody = place.shape not in {Shape.INTEGER, Shape.TEXT} and said.endswith(" for")
    if somebody or said.endswith(_USER_ENDINGS):
        yield "user"


def _plain_by_words(place: _Place) -> Iterator[str]:
    number = place.shape in {Shape.INTEGER, Shape.SIGNED, Shape.DECIMAL}
    unit = _WORD_AFTER.search(place.after)
    if number and unit and unit[1].lower() in _BY_UNIT:
        yield _BY_UNIT[unit[1].lower()]
    if number and _PROCESS_BEFORE.search(place.before):
        yield "pid"
    word = _WORD_BEFORE.search(place.before)
    named_by_word = number or place.shape in {Shape.UUID, Shape.HEX} or (word and word[0][-1] in "\"'<[({#")
    if word and named_by_word and word[1].lower() not in _STOP_WORDS:
        yield clean_name(word[1].lower())


def _by_shape(place: _Place) -> list[str]:
    """Names that the shape alone gives, those that are free first; none for plain numbers, words and texts."""
    names = (_protocol(place.profile),) if place.shape is Shape.PROTOCOL else _BY_SHAPE.get(place.shape, ())
    free = [name for name in names if name not in place.taken]
    return free or list(names[-1:])


def _protocol(profile: FieldProfile) -> str:
    """`transport` where an example is such, else `app` for application protocols."""
    lowered = {example.lower() for example in profile.examples}
    if lowered & set(TRANSPORTS):
        return "transport"
    return "app" if lowered & set(APPLICATIONS) else "protocol"
