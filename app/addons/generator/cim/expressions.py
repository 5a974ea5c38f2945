"""Eval expressions: plain values for CIM's fields, made of what Splunk and the replay both know.

Functions used: if, case, coalesce, null, isnull, isnotnull, match, replace, lower, tonumber, in; operators ==, >, >=,
AND, OR and the dot.
"""

import re
from collections.abc import Sequence

from app.addons.generator.cim.evidence import Evidence, phrase_expression
from app.addons.generator.cim.mapping import FieldView
from app.addons.generator.cim.roles import PROTOCOL_NUMBERS

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MAX_PLACEHOLDERS = 10


def quoted_field(name: str) -> str:
    """The field in an expression: single quotes around a name with other characters than letters, digits and `_`."""
    return name if _PLAIN_NAME.match(name) else f"'{name}'"


def quoted_text(text: str) -> str:
    """The text as a string of an expression, on one line."""
    return '"' + re.sub(r"[\x00-\x1f]", " ", text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def saying(view: FieldView) -> str:
    """The field's value, null where the value is a placeholder."""
    name = quoted_field(view.name)
    if not view.placeholders:
        return name
    silent = ",".join(quoted_text(value) for value in view.placeholders[:_MAX_PLACEHOLDERS])
    return f"if(in({name},{silent}),null(),{name})"


def first_saying(views: Sequence[FieldView], *others: str) -> str:
    """The value of the first field that says something, else of the other expressions."""
    parts = [*(saying(view) for view in views), *others]
    return parts[0] if len(parts) == 1 else f"coalesce({','.join(parts)})"


def transport(view: FieldView) -> str:
    """The protocol's name in lower case; protocol numbers become names."""
    name = quoted_field(view.name)
    if not view.profile.numeric_range:
        return f"lower({saying(view)})"
    numbers = ",".join(f'{name}=="{number}","{protocol}"' for number, protocol in PROTOCOL_NUMBERS.items())
    return f"case({numbers},isnotnull({name}),lower({name}))"


def url_of_parts(path: FieldView, query: FieldView | None) -> str:
    """The path, with the query behind a question mark where there is one."""
    if query is None:
        return saying(path)
    silent = ",".join(quoted_text(value) for value in ("", "-", *query.placeholders[:_MAX_PLACEHOLDERS]))
    name = quoted_field(query.name)
    asked = f'if(match({name},"^[?]"),"","?").{name}'
    return f'{quoted_field(path.name)}.if(isnull({name}) OR in({name},{silent}),"",{asked})'


def last_part(path: FieldView) -> str:
    """What stands behind the last slash or backslash of the path."""
    return f'replace({quoted_field(path.name)},"^.*[/\\\\\\\\]","")'


def failure_action(reason: FieldView) -> str:
    """The action of logons that name a reason where they fail."""
    return f'if(isnotnull({saying(reason)}),"failure","success")'


def server_action(status: FieldView) -> str:
    """A web server's action by the status of the answer (RFC 9110): errors are failures."""
    name = quoted_field(status.name)
    return f'case(tonumber({name})>=400,"failure",tonumber({name})>0,"success")'


def proxy_action(status: FieldView) -> str:
    """A proxy's action by the status of the answer: 403 and 407 are the proxy's refusals (RFC 9110)."""
    name = quoted_field(status.name)
    return f'case(in({name},"403","407"),"blocked",tonumber({name})>0,"allowed")'


def kind_condition(evidence: Evidence) -> str:
    """Whether an event is of the kind, as an expression."""
    parts = []
    if evidence.phrases:
        parts.append(_matches("_raw", evidence.phrases))
    parts += [f"{quoted_field(name)}=={quoted_text(value)}" for name, value in evidence.classes]
    said = [" OR ".join(parts)] if parts else []
    said = [f"({said[0]})"] if len(parts) > 1 else said
    for names in evidence.present:
        present = " OR ".join(f"isnotnull({quoted_field(name)})" for name in names)
        said.append(f"({present})" if len(names) > 1 else present)
    said += [f"isnull({quoted_field(name)})" for name in evidence.absent]
    return " AND ".join(said)


def outcome_condition(field_name: str, words: Sequence[str]) -> str:
    """Whether one of the words stands in the field."""
    return _matches(quoted_field(field_name), words)


def _matches(name: str, words: Sequence[str]) -> str:
    return f'match({name},"(?i){phrase_expression(words)}")'
