"""Cues: words beside which a value of a known meaning stands in the prose of logs, whatever wrote the log.

A template reads only texts that the sample shows; a cue reads the next text as well (`… from 192.0.2.1 port 22`). A
cue is used where the sample has it. The words are those of log messages in English; replies of mail servers are
RFC 5321's and RFC 3463's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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


CUES = (
    Cue("user_at_host", rf"'(?<user>[^'\s]{{1,100}})'@'(?<src>[^'\s]{{1,200}})'"),
    Cue("user_of", r"(?i)\bfor (?:(?:invalid|illegal|unknown) user |user )?(?<user>[^\s'\",;:()\[\]]{1,100}) from\b"),
    Cue("user", rf"(?i)\b(?:user|username|user name|username input|account|login|logname|acct|principal)(?: name)?(?: ?[:=])? ?(?-i:{_one_of_quotes('user')})"),
    Cue("src_in_brackets", rf"\b(?<src_host>[A-Za-z0-9_.-]{{1,253}})\[(?<src_ip>{_IP})\]"),
    Cue("src_in_parentheses", rf"(?i)\bfrom (?<src_host>[^\s()]{{1,253}}) \((?<src_ip>{_IP})\)"),
    Cue("src_ip", rf"(?i)\b(?:from|by|client|clientip|remote|peer|rhost|src|source|address)(?: ip| address)?[ :=]{{1,2}}\[?(?<src_ip>{_IP})\]?"),
    Cue("src_port", rf"(?i)\b(?:from|by|with|for|user \S{{1,100}})[ :]\[?{_IP}\]? port (?<src_port>\d{{1,5}})\b"),
    Cue("src_socket", rf"(?i)\b(?:from|client|peer|remote)[ :=]{{1,2}}(?<src_ip>{_IP}):(?<src_port>\d{{1,5}})\b"),
    Cue("user_address", rf"(?i)\b(?:user) \S{{1,100}} (?<src_ip>{_IP}) port (?<src_port>\d{{1,5}})\b"),
    Cue("address_port", rf"(?<src_ip>{_IP}) port (?<src_port>\d{{1,5}})\b"),
    Cue("dest_ip", rf"(?i)\b(?:to|server|dst|dest|destination|upstream)[ :=]{{1,2}}\[?(?<dest_ip>{_IP})\]?(?::(?<dest_port>\d{{1,5}})\b)?"),
    Cue("request", r"\"(?<http_method>GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|CONNECT|TRACE|PROPFIND) (?<url>(?<uri_path>[^\s\"?]*)(?:\?(?<uri_query>[^\s\"]*))?)(?: HTTP/(?<http_version>[\d.]+))?\""),
    Cue("smtp_command", r"(?<action>accept|reject|warn|hold|discard|redirect|filter|milter-reject|milter-hold): (?<smtp_command>HELO|EHLO|MAIL|RCPT|DATA|VRFY|ETRN|CONNECT|END-OF-MESSAGE)\b"),
    Cue("smtp_reply", r"\b(?<smtp_reply>(?<status>[245]\d\d) (?<enhanced_status>[245]\.\d{1,3}\.\d{1,3}))(?: <[^<>]*>:)? (?<reason>[^;\n]{1,300})"),
    Cue("exception", r"(?m)^(?<exception>(?:[A-Za-z_$][\w$]*\.){1,12}[A-Z][\w$]*(?:Exception|Error|Throwable))(?::\s(?<exception_message>.{1,1000}))?"),
    Cue("stack", r"\n(?<stack_trace>(?s:.{1,}))"),
    Cue("parenthesised", r"^\((?<category>[A-Za-z][\w -]{1,60})\)"),
    Cue("because", r"(?i)\b(?:failed|failure|rejected|error|denied|fatal|invalid): (?<reason>[^;\n]{1,300}?)\s*(?:;|$)"),
    Cue("session", r"(?i)\bsession (?:id )?[#:=]? ?(?<session_id>\d{1,20}|[0-9a-f-]{8,64})\b"),
    Cue("http_status", r"(?i)\bstatus(?: code)?[ :=]{1,2}(?<status>[1-5]\d\d)\b"),
    Cue("bytes", r"(?i)\b(?<bytes>\d{1,15}) bytes\b"),
    Cue("duration", r"(?i)\b(?:in|took|after|duration[:=]?) (?<duration>\d{1,12}(?:\.\d{1,9})?) ?(?:ms|msec|milliseconds|s|sec|seconds)\b"),
    Cue("url", r"\b(?<url>https?://[^\s\"'<>)\]]{1,2000})"),
)  # fmt: skip
COLON_PAIRS = (
    r"(?:^|[,;(] ?)([A-Za-z][A-Za-z0-9_-]{0,40}(?: [A-Za-z0-9_-]{1,40}){0,2}): (?|\"([^\"]*+)\"|([^,;()\n\"]{1,300}))"
)
"""Pairs with a colon between commas or in parentheses: `client: 192.0.2.1, server: localhost`, `(using password: YES)`."""
ADDRESSES = rf"(?<![\w.:])(?<ip>{_IP})(?![\w])"
"""Every address of a text, whatever stands beside: many values of one field."""


def cues_in(texts: Sequence[str]) -> list[Cue]:
    """The cues that at least one of the texts has."""
    return [cue for cue in CUES if any(_found(cue.pattern, text) for text in texts)]


def has_match(pattern: str, texts: Sequence[str]) -> bool:
    """Whether one of the texts matches."""
    return any(_found(pattern, text) for text in texts)


def _found(pattern: str, text: str) -> bool:
    try:
        return compile_regex(pattern).search(text) is not None
    except MatchLimit:
        return False
