"""Cues: words beside which a value of a known meaning stands in the prose of logs, whatever wrote the log.

A template reads only texts that the sample shows; a cue reads the next text as well (`… from 192.0.2.1 port 22`). A
cue is used where the sample has it. The words are those of log messages in English; replies of mail servers are
RFC 5321's and RFC 3463's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.addons.generator.reading.words import CAPITAL_LEVELS
from app.addons.regexes import MatchLimit, compile_regex

_IP = (
    r"(?:\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)|(?:::ffff:)?\d{1,3}(?:\.\d{1,3}){3}|"
    r"(?:[0-9A-Fa-f]{1,4}:){2,7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,6}:(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?)"
)
_NO_NAME = (
    r"(?!(?:not|is|was|are|has|had|have|from|with|for|to|in|on|and|or|by|at|of|the|a|an|as|does|did|will|can|cannot|"
    r"logged|login|failed|name|id|agent|authentication|authenticated|error|denied|request|input|disconnected)\b)"
)


@dataclass(frozen=True)
class Cue:
    """One cue: its pattern with named groups."""

    label: str
    pattern: str


def _one_of_quotes(name: str) -> str:
    """A name with or without quotes, in one group: the branches share their number and so their name."""
    return (
        rf"(?|'(?<{name}>[^'\n]{{1,200}})'|\"(?<{name}>[^\"\n]{{1,200}})\"|<(?<{name}>[^<>\s]{{1,200}})>|"
        rf"{_NO_NAME}(?<{name}>[^\s'\"<>,;:()\[\]=]{{1,200}}))"
    )


_SRC_IP = rf"(?<src_ip>{_IP})"
_DEST_SOCKET = rf"(?<dest_ip>{_IP})(?:[/(:](?<dest_port>\d{{1,5}})\b)?"
_SRC_PORT = r"(?<src_port>\d{1,5})\b"
_METHODS = "GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|CONNECT|TRACE|PROPFIND"
_MAIL_ACTIONS = "accept|reject|warn|hold|discard|redirect|filter|milter-reject|milter-hold"
_MAIL_COMMANDS = "HELO|EHLO|MAIL|RCPT|DATA|VRFY|ETRN|CONNECT|END-OF-MESSAGE"
_ACCOUNTS = "user|username|user name|username input|account|login|logname|acct|principal"
_PATHS = r"(?<uri_path>[^\s\"?]*)(?:\?(?<uri_query>[^\s\"]*))?"
_MAIL_STATUS = r"(?<status>[245]\d\d) (?<enhanced_status>[245]\.\d{1,3}\.\d{1,3})"
_THROWN = r"(?:[A-Za-z_$][\w$]*\.){1,12}[A-Z][\w$]*(?:Exception|Error|Throwable)"
_SOURCES = "from|by|with|client|remote|peer|rhost|src|source|address"
_TARGETS = "to|server|dst|dest|destination|upstream"
_NUMBER = r"\d{1,12}(?:\.\d{1,9})?"
_UNITS = "ms|msec|milliseconds|s|sec|seconds"
CUES = (
    # Persons.
    Cue("user_at_host", r"'(?<user>[^'\s]{1,100})'@'(?<src>[^'\s]{1,200})'"),
    Cue("user_for", r"(?i)\bfor (?:(?:invalid |illegal |unknown )?user )?(?<user>[^\s'\",;:()\[\]]{1,100}) from\b"),
    Cue("user", rf"(?i)\b(?:{_ACCOUNTS})(?: name)?(?: ?[:=])? ?(?-i:{_one_of_quotes('user')})"),
    # Addresses.
    Cue("src_in_brackets", rf"\b(?<src_host>[A-Za-z0-9_.-]{{1,253}})\[{_SRC_IP}\]"),
    Cue("src_brackets_port", rf"\[{_SRC_IP}\]:{_SRC_PORT}"),
    Cue("src_in_parentheses", rf"(?i)\bfrom (?<src_host>[^\s()]{{1,253}}) \({_SRC_IP}\)"),
    Cue("src_socket", rf"(?i)\b(?:from|client|peer|remote)[ :=]{{1,2}}{_SRC_IP}:{_SRC_PORT}"),
    Cue("src_port", rf"{_SRC_IP} port {_SRC_PORT}"),
    Cue("src_interface", rf"(?<src_interface>[A-Za-z][\w.-]{{0,60}})[:/]{_SRC_IP}(?:[/(](?<src_port>\d{{1,5}})\b)?"),
    Cue("dest_interface", rf"(?i)(?:->|\bto|\bdst|\band) (?<dest_interface>[A-Za-z][\w.-]{{0,60}})[:/]{_DEST_SOCKET}"),
    Cue("dest_socket", rf"(?i)(?:->|\bto|\bdst) {_DEST_SOCKET}"),
    Cue("mac", r"(?<![\w:.-])(?<mac>(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2})(?![\w:-])"),
    Cue("interface", r"(?i)\b(?:via|interface|dev|iface)[ :=](?<interface>[A-Za-z][\w./-]{1,60})"),
    Cue("src_ip", rf"(?i)\b(?:{_SOURCES})(?: ip| address)?[ :=]{{1,2}}\[?{_SRC_IP}"),
    Cue("dest_ip", rf"(?i)\b(?:{_TARGETS})[ :=]{{1,2}}\[?(?<dest_ip>{_IP})\]?(?::(?<dest_port>\d{{1,5}})\b)?"),
    # Requests and replies.
    Cue("request", rf"\b(?<http_method>{_METHODS}) (?<url>(?:https?:/)?/{_PATHS})(?: HTTP/(?<http_version>[\d.]+))?"),
    Cue("url", r"\b(?<url>https?://[^\s\"'<>)\]]{1,2000})"),
    Cue("http_status", r"(?i)\bstatus(?: code)?[ :=]{1,2}(?<status>[1-5]\d\d)\b"),
    Cue("smtp_command", rf"(?<action>{_MAIL_ACTIONS}): (?<smtp_command>{_MAIL_COMMANDS})\b"),
    Cue("smtp_reply", rf"\b(?<smtp_reply>{_MAIL_STATUS})(?: <[^<>]*>:)? (?<reason>[^;\n]{{1,300}})"),
    # What happened.
    Cue("reason", r"(?i)\b(?:failed|failure|rejected|error|denied|fatal|invalid): (?<reason>[^;\n]{1,300}?)\s*(?:;|$)"),
    Cue("category", r"^\((?<category>[A-Za-z][\w -]{1,60})\)"),
    Cue("exception", rf"(?m)^(?<exception>{_THROWN})(?::\s(?<exception_message>.{{1,1000}}))?"),
    Cue("logger", r"(?m) \((?<logger>(?:[A-Za-z_$][\w$]*\.){2,12}[A-Za-z_$][\w$]*)(?::(?<line_number>\d{1,6}))?\)$"),
    Cue("level", rf"(?:^|[\s\[])(?<level>{CAPITAL_LEVELS})\]?:(?=\s)"),
    Cue("stack", r"\n(?<stack_trace>(?s:.{1,}))"),
    Cue("session", r"(?i)\bsession (?:id )?[#:=]? ?(?<session_id>\d{1,20}|[0-9a-f-]{8,64})\b"),
    Cue("bytes", r"(?i)\b(?<bytes>\d{1,15}) bytes\b"),
    Cue("duration", rf"(?i)\b(?:in|took|after|duration[:=]?) (?<duration>{_NUMBER}) ?(?:{_UNITS})\b"),
)  # fmt: skip
COLON_PAIRS = (
    r"(?:^|[,;(] ?)([A-Za-z][A-Za-z0-9_-]{0,40}(?: [A-Za-z0-9_-]{1,40}){0,2}): (?|\"([^\"]*+)\"|([^,;()\n\"]{1,300}))"
)
"""Pairs with a colon, between commas or in parentheses: `client: 192.0.2.1, server: x`, `(using password: YES)`."""
COLON_WORDS = r"(?m)(?:^|[ \t#(,;])([A-Za-z_@][\w@-]{0,40}):[ \t]{1,8}(?|\"([^\"\n]*+)\"|([^\s\",;]++))"
"""Pairs with a colon between blanks: `# Query_time: 0.2  Rows_sent: 4`."""
BRACKET_PAIRS = r"(?<![\w\]])([A-Za-z_][\w.-]{0,60})\[([^\[\]\n]*+)\]"
"""Pairs whose value stands in brackets: `took[6.9s], types[]`."""
MIN_PAIRS = 3
ADDRESSES = rf"(?<![\w.])(?<ip>{_IP})(?![\w.]*\w)"
"""Every address of a text, whatever stands beside: many values of one field."""


def cues_in(texts: Sequence[str]) -> list[Cue]:
    """The cues that at least one of the texts has."""
    return [cue for cue in CUES if any(_found(cue.pattern, text) for text in texts)]


def has_many(pattern: str, texts: Sequence[str]) -> bool:
    """Whether a third of the texts have so many pairs of the kind that these are no words of sentences."""
    regex = compile_regex(pattern)
    counts = [sum(1 for _ in regex.matches(text[:4_000])) for text in texts]
    return 3 * sum(1 for count in counts if count >= MIN_PAIRS) >= len(texts)


def has_match(pattern: str, texts: Sequence[str]) -> bool:
    """Whether one of the texts matches."""
    return any(_found(pattern, text) for text in texts)


def reads_all(pattern: str, texts: Sequence[str]) -> bool:
    """Whether all of the texts match: marks in odd places are read otherwise than they were written."""
    return all(_found(pattern, text) for text in texts)


def _found(pattern: str, text: str) -> bool:
    try:
        return compile_regex(pattern).search(text) is not None
    except MatchLimit:
        return False
