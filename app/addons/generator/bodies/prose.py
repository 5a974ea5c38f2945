"""Free text: templates of what the sample shows, cues for what will come."""

from collections.abc import Sequence

from app.addons.generator.bodies.texts import Texts
from app.addons.generator.settings.plan import Extract, Extraction, Transform
from app.addons.generator.wording.cues import (
    ADDRESSES,
    BRACKET_PAIRS,
    COLON_PAIRS,
    COLON_WORDS,
    cues_in,
    has_many,
    has_match,
    reads_all,
)
from app.addons.generator.wording.structure import pattern_of
from app.addons.generator.wording.templates import MAX_TEMPLATES, Template, common_beginning, find_templates
from app.addons.generator.wording.tokens import Kind

MAX_TEXTS = 20_000
"""Templates are looked for in so many texts: more show few new ones."""
MIN_WORDS = 2
"""A template of fewer words that stay says too little to be told from others."""


def prose_bodies(texts: Texts) -> Extraction | None:
    """The extraction of texts that no other class has understood; None where there are none."""
    filled = texts.filled[:MAX_TEXTS]
    if not filled:
        return None
    bodies = [body for _, body in filled]
    found = [template for template in find_templates(bodies) if _is_telling(template)]
    extracts: list[Extract] = []
    claims: set[int] = set()
    for number, template in enumerate(found[:MAX_TEMPLATES], start=1):
        pattern = pattern_of(template)
        if pattern is None or not reads_all(pattern, [bodies[member] for member in template.members]):
            continue
        extracts.append(Extract(f"template_{number:02d}", pattern, texts.source))
        claims |= {filled[member][0] for member in template.members}
    beginning = common_beginning(bodies)
    if beginning is not None and (pattern := pattern_of(beginning)) is not None:
        extracts.append(Extract("beginning", pattern, texts.source))
    extracts += [Extract(f"word_{cue.label}", cue.pattern, texts.source) for cue in cues_in(bodies)]
    notes = (
        [f"{len(found)} templates of messages were found; the {MAX_TEMPLATES} most frequent have an extraction."]
        if len(found) > MAX_TEMPLATES
        else []
    )
    return Extraction("prose", frozenset(claims), {}, tuple(extracts), _reports(texts, bodies), notes=tuple(notes))


def _is_telling(template: Template) -> bool:
    words = sum(1 for slot in template.slots if not slot.variable and slot.token.kind is Kind.PLAIN)
    return template.columns or words >= MIN_WORDS


def _reports(texts: Texts, bodies: Sequence[str]) -> tuple[Transform, ...]:
    reports = []
    if has_match(COLON_PAIRS, bodies):
        settings = {"REGEX": COLON_PAIRS, "FORMAT": "$1::$2", "CLEAN_KEYS": "true"}
        reports.append(Transform("colon_pairs", texts.source_key | settings))
    for label, pattern in (("colon_words", COLON_WORDS), ("bracket_pairs", BRACKET_PAIRS)):
        if has_many(pattern, bodies):
            settings = {"REGEX": pattern, "FORMAT": "$1::$2", "CLEAN_KEYS": "true"}
            reports.append(Transform(label, texts.source_key | settings))
    if has_match(ADDRESSES, bodies):
        settings = {"REGEX": ADDRESSES, "MV_ADD": "true"}
        reports.append(Transform("addresses", texts.source_key | settings))
    return tuple(reports)
