"""CEF and LEEF: a header of columns between bars, then pairs whose values may hold blanks.

Sources: "Implementing ArcSight Common Event Format", version 26; IBM, "Log Event Extended Format", version 2.
"""

import re

from app.addons.generator.bodies.texts import Texts
from app.addons.generator.settings.plan import Extract, Extraction, Transform

MIN_SHARE = 0.6
_CEF = re.compile(
    r"(?:CEF:\s?)?\d{1,2}\|(?:[^|\\]|\\.)*\|(?:[^|\\]|\\.)*\|(?:[^|\\]|\\.)*\|(?:[^|\\]|\\.)*\|(?:[^|\\]|\\.)*\|(?:[^|\\]|\\.)*\|"
)
_LEEF = re.compile(r"LEEF:\d(?:\.\d)?\|[^|]*\|[^|]*\|[^|]*\|[^|]*\|")
_COLUMN = r"[^|\\]*+(?:\\.[^|\\]*+)*+"
_KEY = r"[A-Za-z0-9_.\-]{1,100}(?:\[\d{1,4}\])?"
EXTENSION_PAIRS = rf"(?:^|\s)({_KEY})=([^=\\]*?(?:\\.[^=\\]*?)*?)(?=\s{_KEY}=|\s*$)"
"""A pair of a CEF extension: the value ends where the next key begins; `=` in values is escaped."""


def cef_bodies(texts: Texts) -> Extraction | None:
    """CEF events, with their name of the format or without it."""
    claims = frozenset(index for index, body in texts.filled if _CEF.search(body[:2_000]))
    if not claims or len(claims) < MIN_SHARE * len(texts.filled):
        return None
    columns = ("device_vendor", "device_product", "device_version", "signature_id", "signature", "severity")
    header = r"(?:CEF:\s?|^|\s)(?<cef_version>\d{1,2})\|" + "".join(rf"(?<{name}>{_COLUMN})\|" for name in columns)
    return Extraction(
        "cef",
        claims,
        {"KV_MODE": "none"},
        extracts=(Extract("cef", header + r"(?<cef_extension>(?s:.*))"),),
        reports=(
            Transform("cef_pairs", {"SOURCE_KEY": "cef_extension", "REGEX": EXTENSION_PAIRS, "FORMAT": "$1::$2"}),
            *_custom_labels(texts, claims),
        ),
    )


def _custom_labels(texts: Texts, claims: frozenset[int]) -> tuple[Transform, ...]:
    """`cs1Label=Rule cs1=x` says that x is the field Rule: one transform for labels before, one for labels behind."""
    bodies = [texts.bodies[index] or "" for index in claims]
    if not any(re.search(r"\b(c[sn]\d|cfp\d|deviceCustomDate\d)Label=", body) for body in bodies):
        return ()
    key = r"((?:c[sn]|cfp|deviceCustomDate|flexString|flexNumber)\d)"
    until = rf"(?=\s{_KEY}=|\s*$)"
    behind = rf"\b{key}=([^=\\]*?){until}(?:.*?)\s\1Label=([^=\\]*?){until}"
    before = rf"\b{key}Label=([^=\\]*?){until}(?:.*?)\s\1=([^=\\]*?){until}"
    source = {"SOURCE_KEY": "cef_extension"}
    return (
        Transform("cef_labels_behind", source | {"REGEX": behind, "FORMAT": "$3::$2", "CLEAN_KEYS": "true"}),
        Transform("cef_labels_before", source | {"REGEX": before, "FORMAT": "$2::$3", "CLEAN_KEYS": "true"}),
    )


def leef_bodies(texts: Texts) -> Extraction | None:
    """LEEF events; pairs are between tabs unless version 2 names another character."""
    found = {index: match[0] for index, body in texts.filled if (match := _LEEF.search(body[:2_000]))}
    if not found or len(found) < MIN_SHARE * len(texts.filled):
        return None
    head = (
        r"LEEF:(?<leef_version>[\d.]+)\|(?<device_vendor>[^|]*)\|(?<device_product>[^|]*)\|(?<device_version>[^|]*)\|"
        r"(?<signature_id>[^|]*)\|(?:(?<leef_delimiter>\^|x[0-9A-Fa-f]{1,4}|[^|\w\s])?\|)?(?<leef_attributes>(?s:.*))"
    )
    carets = sum(1 for index in found if "^" in (texts.bodies[index] or "")) > len(found) / 2
    stop = r"\^" if carets else r"\t"
    pairs = rf"(?:^|[{stop}])([A-Za-z0-9_.\-]{{1,100}})=([^{stop}]*)"
    return Extraction(
        "leef",
        frozenset(found),
        {"KV_MODE": "none"},
        extracts=(Extract("leef", head),),
        reports=(Transform("leef_pairs", {"SOURCE_KEY": "leef_attributes", "REGEX": pairs, "FORMAT": "$1::$2"}),),
    )
