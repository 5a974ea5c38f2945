"""From a sample to a package: boundaries, time, fields, meaning. Pure: the same sample gives the same bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.addons.generator.boundaries import Boundaries, find_boundaries
from app.addons.generator.composing import TRUNCATE_STEP, Identity, compose
from app.addons.generator.extractions import Fields, find_fields
from app.addons.generator.readme import readme_of
from app.addons.generator.sample import Sample, read_sample
from app.addons.package.files import Package
from app.addons.replay.replaying import replay

MAX_LOOKED_AT = 5_000
"""Events by which time and fields are decided: more show few new ones, and each costs time."""
LOOKAHEAD = 128
"""Splunk's default (props.conf.spec, MAX_TIMESTAMP_LOOKAHEAD)."""


@dataclass(frozen=True)
class Generated:
    """A package, and what was found on the way."""

    package: Package
    identity: Identity
    kinds: tuple[str, ...]
    notes: tuple[str, ...]
    unmatched: tuple[str, ...] = ()


def generate(content: bytes, identity: Identity) -> Generated:
    """The package for the log of which the content is a sample. Raises SampleRefused."""
    sample = read_sample(content)
    boundaries = _looked_at(find_boundaries(sample.lines))
    fields = find_fields(boundaries)
    index_time, notes = _index_time(sample, boundaries, fields)
    notes += [note for extraction in fields.extractions for note in extraction.notes]
    first = compose(identity, index_time, fields, {}, "")
    extras, meaning = _meaning(first, identity, boundaries)
    kinds = tuple(([fields.header.kind] if fields.header else []) + [each.kind for each in fields.extractions])
    all_notes = (*boundaries.notes, *notes, *meaning)
    readme = readme_of(identity, kinds, all_notes)
    package = compose(identity, index_time, fields, extras, readme)
    unmatched = tuple(event for index, event in enumerate(boundaries.events) if index not in fields.claimed)
    return Generated(package, identity, kinds, all_notes, unmatched[:20])


def _looked_at(boundaries: Boundaries) -> Boundaries:
    """The boundaries with at most MAX_LOOKED_AT events, taken evenly from the whole sample."""
    count = len(boundaries.events)
    if count <= MAX_LOOKED_AT:
        return boundaries
    kept = [boundaries.events[index * count // MAX_LOOKED_AT] for index in range(MAX_LOOKED_AT)]
    return replace(boundaries, events=tuple(kept))


def _index_time(sample: Sample, boundaries: Boundaries, fields: Fields) -> tuple[dict[str, str], list[str]]:
    settings = {"SHOULD_LINEMERGE": "false", "LINE_BREAKER": boundaries.line_breaker}
    settings |= {"EVENT_BREAKER_ENABLE": "true", "EVENT_BREAKER": boundaries.line_breaker}
    if sample.charset != "UTF-8":
        settings["CHARSET"] = sample.charset
    longest = max((len(event.encode()) for event in boundaries.events), default=0)
    settings["TRUNCATE"] = str(TRUNCATE_STEP * (2 * longest // TRUNCATE_STEP + 1))
    return settings, []


def _meaning(
    package: Package, identity: Identity, boundaries: Boundaries
) -> tuple[Mapping[str, Mapping[str, str]], Sequence[str]]:
    replay(package, "\n".join(boundaries.events), sourcetype=identity.sourcetype)
    return {}, ()
