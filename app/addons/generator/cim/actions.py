"""The action of events: the vendor's words for an outcome, normalised to CIM's values.

The outcome stands in a field (`disposition=deny`) or in the event's text (`Failed password`): a field counts where its
values say an outcome for some event of the kind, else the text does (never for requests: URLs hold any word; and where
fields alone make the kind, in half of the events at least).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.addons.generator.cim.evidence import Evidence, Source, standing
from app.addons.generator.cim.expressions import kind_condition, outcome_condition, quoted_field
from app.addons.generator.cim.mapping import FieldView
from app.addons.generator.cim.words import Outcomes

_ONLY_IN_FIELDS = frozenset({"yes", "true", "ok", "up", "down", "new", "set", "end", "start", "stop", "error", "bad"})
"""Too common in texts to say an outcome there."""


@dataclass(frozen=True)
class ActionMapping:
    """The expression for `action`, the kinds whose events get no action, and the values that are given."""

    expression: str | None
    silent_kinds: tuple[str, ...]


def action_mapping(found: Sequence[Evidence], source: Source) -> ActionMapping:
    """The action of the kinds that were found; a kind's condition stands in front unless all events are of the kind."""
    acting = [each for each in found if each.kind.outcomes]
    branches: list[str] = []
    silent: list[str] = []
    for evidence in acting:
        outcomes, field_name = _outcomes(evidence, source)
        if not outcomes:
            silent.append(evidence.kind.name)
            continue
        alone = len(acting) == 1 and len(evidence.events) == len(source.events)
        guard = "" if alone else f"{kind_condition(evidence)} AND "
        branches += [f'{guard}{outcome_condition(field_name, words)},"{value}"' for value, words in outcomes]
    own = any(view.name == "action" for view in source.views)
    if branches and own:
        branches.append(f"isnotnull({quoted_field('action')}),{quoted_field('action')}")
    return ActionMapping(f"case({','.join(branches)})" if branches else None, tuple(silent))


def _outcomes(evidence: Evidence, source: Source) -> tuple[Outcomes, str]:
    """The outcomes and the field that says them, `_raw` for the text; none where nothing says an outcome."""
    for view in _candidates(evidence, source):
        values = {source.events[number].get(view.name, "").lower() for number in view.events & evidence.events}
        if any(standing(words, value) for _, words in evidence.kind.outcomes for value in values):
            return evidence.kind.outcomes, view.name
    if evidence.kind.name == "web":
        return (), ""
    in_text = tuple(
        (value, tuple(word for word in words if word not in _ONLY_IN_FIELDS)) for value, words in evidence.kind.outcomes
    )
    saying = [n for n in evidence.events if any(standing(words, source.texts[n]) for _, words in in_text)]
    enough = 1 if evidence.kind.families else len(evidence.events) / 2
    return (in_text, "_raw") if len(saying) >= enough else ((), "")


def _candidates(evidence: Evidence, source: Source) -> Sequence[FieldView]:
    views = source.roles.get("vendor_action", ())
    return [view for view in views if 2 * len(view.events & evidence.events) >= len(evidence.events)]
