"""Pairs of keys and values in the dialects in which they are written."""

import re
from collections import Counter
from dataclasses import dataclass

from app.addons.generator.bodies.event_formats import EXTENSION_PAIRS
from app.addons.generator.bodies.texts import Texts
from app.addons.generator.settings.plan import Extract, Extraction, Transform
from app.addons.generator.shapes.names import field_name

MIN_PAIRS = 3
"""Events with so many pairs are made of pairs; fewer are remarks in prose."""
MIN_SHARE = 0.5
MIN_COVERED = 0.6
"""So much of a text made of pairs stands in them: else the pairs are details of a sentence, whose words count too."""
MIN_LOOSE_WORDS = 0.3
"""Words behind values, by pair: from so many on, values hold blanks without quotes."""
RESERVED = ("host", "source", "sourcetype", "index", "tag", "eventtype", "splunk_server", "linecount", "punct")
"""Splunk's own fields: a pair of that name must not take their place."""
_BEFORE = r"(?<![^\s,;|(\[{&'])"
_KEY = r"[A-Za-z_@][\w.@/\-]{0,80}"
_PAIR = re.compile(rf"{_BEFORE}({_KEY})=(\"(?:[^\"\\]|\\.)*\"|'[^']*'|<[^<>]*>|[^\s,;|]*)")
_WORD = re.compile(r"\w+")
_CALL = re.compile(r"[A-Za-z_]\w*\([^()\s:]+:[^()\s:]+\):?")


@dataclass(frozen=True)
class _Read:
    """What the pairs of one text are: keys and values, the words between them, the characters in pairs."""

    pairs: tuple[tuple[str, str], ...]
    loose_words: int
    covered: float
    commas_part: bool


def pair_bodies(texts: Texts) -> Extraction | None:
    """Texts made of pairs; texts with some pairs give the extraction too, and are not claimed."""
    reads = {index: _read(body) for index, body in texts.filled}
    with_pairs = [read for read in reads.values() if read.pairs]
    if not with_pairs:
        return None
    claims = frozenset(
        index for index, read in reads.items() if len(read.pairs) >= MIN_PAIRS and read.covered >= MIN_COVERED
    )
    made_of_pairs = [read for index, read in reads.items() if index in claims]
    loose = sum(read.loose_words for read in made_of_pairs)
    blanks = bool(made_of_pairs) and loose >= MIN_LOOSE_WORDS * sum(len(read.pairs) for read in made_of_pairs)
    if blanks:
        return Extraction(
            "pairs", claims, {"KV_MODE": "none"}, reports=(_transform(texts, EXTENSION_PAIRS, with_pairs),),
            notes=("Values hold blanks without quotes: a value ends where the next key begins.",),
        )  # fmt: skip
    stop = r"\s,;" if any(read.commas_part for read in with_pairs) else r"\s"
    keys = {key for read in with_pairs for key, _ in read.pairs}
    reserved = sorted(keys & set(RESERVED))
    return Extraction(
        "pairs",
        claims,
        {"KV_MODE": "none"},
        extracts=(*_reserved(texts, reserved, stop), *_calls(with_pairs)),
        reports=(_transform(texts, _pattern(stop, reserved), with_pairs),),
    )


def _read(text: str) -> _Read:
    pairs: list[tuple[str, str]] = []
    loose, inside, last, part = 0, 0, None, False
    for match in _PAIR.finditer(text):
        if last is not None:
            between = text[last : match.start()]
            loose += len(_WORD.findall(between))
            part = part or "," in between or ";" in between
        inside += match.end() - match.start()
        last = match.end()
        pairs.append((match[1], match[2]))
    if last is not None:
        loose += len(_WORD.findall(text[last:]))
    return _Read(tuple(pairs), loose, inside / max(1, len(text.strip())), part)


def _pattern(stop: str, reserved: list[str]) -> str:
    """The pattern of a pair: group 1 the key, group 2 the value without its quotes."""
    away = rf"(?!(?:{'|'.join(reserved)})=)" if reserved else ""
    return rf"{_BEFORE}{away}({_KEY})={_value(stop)}"


def _value(stop: str) -> str:
    quoted = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
    return rf"(?|{quoted}|'([^']*+)'|(<[^<>]*+>|[^{stop}]*+))"


def _transform(texts: Texts, pattern: str, reads: list[_Read]) -> Transform:
    several = any(max(Counter(key for key, _ in read.pairs).values()) > 1 for read in reads)
    settings = texts.source_key | {"REGEX": pattern, "FORMAT": "$1::$2", "CLEAN_KEYS": "true"}
    return Transform("pairs", settings | ({"MV_ADD": "true"} if several else {}))


def _reserved(texts: Texts, keys: list[str], stop: str) -> list[Extract]:
    """Pairs whose key is one of Splunk's own fields, under another name."""
    value = rf"(?:\"(?<{{0}}>[^\"]*+)\"|(?<{{0}}_plain>[^{stop}\"]++))"
    return [
        Extract(f"pair_{key}", rf"(?<![^\s,;|(\[{{]){key}=" + value.format(f"event_{key}"), texts.source)
        for key in keys
    ]


def _calls(reads: list[_Read]) -> list[Extract]:
    """Values such as `audit(1684329817.579:2995)`, whose parts are fields as well."""
    values: dict[str, list[str]] = {}
    for read in reads:
        for key, value in read.pairs:
            values.setdefault(key, []).append(value)
    return [
        Extract(
            f"pair_{field_name(key)}_parts",
            rf"(?<![^\s,;|(\[{{]){re.escape(key)}=(?<{field_name(key)}_kind>\w+)\((?<{field_name(key)}_time>[^\s:()]+):(?<{field_name(key)}_id>[^\s:()]+)\)",
        )
        for key, found in values.items()
        if all(_CALL.fullmatch(value) for value in found)
    ]
