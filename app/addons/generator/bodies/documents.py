"""JSON and XML: Splunk reads them itself (props.conf.spec, KV_MODE)."""

import json
import re
from collections.abc import Mapping
from typing import Any

from app.addons.generator.bodies.texts import Texts
from app.addons.generator.settings.plan import Extraction, Transform

MIN_SHARE = 0.8
MAX_SEARCHED_CHARACTERS = 5_000
"""At search time Splunk looks at so much of an event's JSON (limits.conf.spec, [spath] extraction_cutoff)."""
MAX_SEARCHED_FIELDS = 100
"""Splunk makes at most so many fields of an event at search time (limits.conf.spec, [kv] limit)."""
_NAMED_DATA = re.compile(r"<([A-Za-z_][\w.:-]*) Name=(['\"])([^'\"<>]+)\2>([^<]*)</\1>")


def json_bodies(texts: Texts) -> Extraction | None:
    """Events that are JSON objects as a whole; others may stand among them, Splunk reads each event by itself."""
    documents = {index: document for index, body in texts.filled if (document := _document(body)) is not None}
    if texts.source is not None or not documents:
        return None
    claims = frozenset(documents)
    long = any(len(texts.events[index]) > MAX_SEARCHED_CHARACTERS for index in claims)
    many = any(_leaves(document) > MAX_SEARCHED_FIELDS for document in documents.values())
    if (not long and not many) or len(documents) < MIN_SHARE * len(texts.filled):
        return Extraction("json", claims, {"KV_MODE": "json"})
    why = f"more than {MAX_SEARCHED_CHARACTERS} characters" if long else f"more than {MAX_SEARCHED_FIELDS} fields"
    note = (
        f"Some events have {why}, of which Splunk would read a part at search time: the fields are extracted when "
        "events are indexed (INDEXED_EXTRACTIONS). The add-on must be installed on the forwarder that reads the file."
    )
    return Extraction(
        "json", claims, {"INDEXED_EXTRACTIONS": "json", "KV_MODE": "none", "AUTO_KV_JSON": "false"}, notes=(note,)
    )


def _document(text: str) -> Mapping[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _leaves(document: Any) -> int:
    """The values of the document that are neither object nor array; counted without recursion."""
    count, waiting = 0, [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        else:
            count += 1
    return count


def json_in_text(texts: Texts) -> Extraction | None:
    """Objects behind a header: their pairs are read by a pattern, since Splunk reads JSON of whole events alone."""
    claims = frozenset(index for index, body in texts.filled if _document(body) is not None)
    if texts.source is None or not claims or len(claims) < MIN_SHARE * len(texts.filled):
        return None
    pattern = r'"([^"\\\n]{1,200})"\s*:\s*(?|"([^"\\]*+(?:\\.[^"\\]*+)*+)"|(-?\d[\d.eE+-]*|true|false))'
    transform = Transform(
        "json_pairs", texts.source_key | {"REGEX": pattern, "FORMAT": "$1::$2", "MV_ADD": "true", "CLEAN_KEYS": "true"}
    )
    note = "JSON behind a header is read pair by pair: names of nested objects are not part of the fields' names."
    return Extraction("json-in-text", claims, reports=(transform,), notes=(note,))


def xml_bodies(texts: Texts) -> Extraction | None:
    """Events that are XML elements; `<Data Name="x">value</Data>` becomes the field x."""
    claims = frozenset(
        index for index, body in texts.filled if re.match(r"\s*<[A-Za-z_][^<>]*>", body) and body.rstrip().endswith(">")
    )
    if not claims or len(claims) < MIN_SHARE * len(texts.filled):
        return None
    named = sorted({match[1] for index in claims for match in _NAMED_DATA.finditer(texts.bodies[index] or "")})
    reports = tuple(
        Transform(
            f"xml_{name.lower()}",
            texts.source_key
            | {
                "REGEX": rf"<{re.escape(name)} Name=['\"]([^'\"<>]+)['\"]>([^<]*)</{re.escape(name)}>",
                "FORMAT": "$1::$2",
                "CLEAN_KEYS": "true",
            },
        )
        for name in named
    )
    return Extraction("xml", claims, {"KV_MODE": "xml"} if texts.source is None else {}, reports=reports)
