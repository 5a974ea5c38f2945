"""Why a proposal of changes to an add-on is not kept. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.kernel.language_model.answers import SENTENCES as SILENCES
from app.kernel.language_model.answers import NoAnswer


class Rule(StrEnum):
    """What refuses a proposal, by stable names."""

    NOT_JSON = "not-json"
    SHAPE = "shape"
    TOO_MANY = "too-many"
    NOTHING = "nothing"
    SECRET = "secret"  # noqa: S105 - the name of a rule
    ECHO = "echo"
    FILE = "file"
    STANZA = "stanza"
    KEY = "key"
    VALUE = "value"
    MISSING = "missing"
    UNUSED_TRANSFORM = "unused-transform"
    LINT = "lint"
    SLOW = "slow"
    PROBLEMS = "problems"
    EVENTS = "events"
    VALUES_LOST = "values-lost"
    SCORE = "score"
    NO_GAIN = "no-gain"
    UNJUDGED = "unjudged"


SENTENCES: Final[Mapping[Rule, str]] = {
    Rule.NOT_JSON: "The answer is not one JSON object.",
    Rule.SHAPE: "The JSON object is not of the members and types that were asked for.",
    Rule.TOO_MANY: "There are more changes, or longer ones, than are taken.",
    Rule.NOTHING: "Nothing is to be changed.",
    Rule.SECRET: "The answer repeats the key of the endpoint.",
    Rule.ECHO: "The answer repeats what the model was told.",
    Rule.FILE: "A change is to a file other than props, transforms, eventtypes and tags in default/.",
    Rule.STANZA: "A change is to a stanza that is not of this add-on's source type.",
    Rule.KEY: "A change is to a setting that may not be changed.",
    Rule.VALUE: "A value is one that the setting may not have.",
    Rule.MISSING: "A setting is to be removed that is not there.",
    Rule.UNUSED_TRANSFORM: "A transform is changed that no REPORT of the source type names.",
    Rule.LINT: "The changed package has an error that it did not have.",
    Rule.SLOW: "An expression reaches Splunk's match limits.",
    Rule.PROBLEMS: "The replay of the changed package meets a problem that was not there.",
    Rule.EVENTS: "Events or their times would be others.",
    Rule.VALUES_LOST: "Values that were extracted would be lost.",
    Rule.SCORE: "Fewer events would have fields, or events fewer fields.",
    Rule.NO_GAIN: "Nothing more would be extracted.",
    Rule.UNJUDGED: "The changed package could not be judged within the limits.",
}
"""Each in words. None holds anything that the model wrote."""


@dataclass(frozen=True, slots=True)
class Refused:
    """That a proposal is not kept, and the rule."""

    rule: Rule


def refusal_document(found: Refused | NoAnswer) -> dict[str, Any]:
    """The refusal as it is kept with the revision: outcome, rule, and a sentence; no word of the model's."""
    if isinstance(found, Refused):
        return {"outcome": "refused", "rule": found.rule.value, "detail": SENTENCES[found.rule]}
    return {"outcome": "no-answer", "rule": found.silence.value, "detail": SILENCES[found.silence]}
