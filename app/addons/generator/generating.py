"""From a sample to a package: boundaries, time, fields, meaning. Pure: the same sample gives the same bytes."""

from dataclasses import dataclass, replace

from app.addons.generator.cim.mapping import CimMapping
from app.addons.generator.cim.propose import map_to_cim
from app.addons.generator.composing import TRUNCATE_STEP, Meaning, compose
from app.addons.generator.extractions import find_fields
from app.addons.generator.reading.boundaries import Boundaries, broken_at_leads, find_boundaries
from app.addons.generator.reading.sample import Sample, read_sample
from app.addons.generator.readme import readme_of
from app.addons.generator.settings.identity import Identity
from app.addons.package.files import Package
from app.addons.replay.replaying import replay
from app.addons.timestamps.proposing import TimestampProposal, propose_timestamp

MAX_LOOKED_AT = 5_000
"""Events by which time and fields are decided: more show few new ones, and each costs time."""
MAX_MAPPED = 500
"""Events by which the meaning of fields is decided."""
MIN_TIME_SHARE = 0.5
"""A time that fewer events have is none that Splunk should be told to look for."""


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
    if fields.header is not None and fields.header.kind == "library":
        boundaries = broken_at_leads(boundaries)
    proposal = propose_timestamp(boundaries.events)
    index_time = _breaking(sample, boundaries) | _time(proposal)
    nothing = Meaning((), {}, {}, {})
    mapping = _mapping(compose(identity, index_time, fields, nothing, ""), identity, boundaries)
    kinds = tuple(([fields.header.kind] if fields.header else []) + [each.kind for each in fields.extractions])
    notes = (
        *boundaries.notes,
        *(proposal.notes if proposal else ("No time was found in the events: Splunk takes the time of indexing.",)),
        *(note for extraction in fields.extractions for note in extraction.notes),
        *mapping.notes,
    )
    notes = tuple(_sentence(note) for note in notes)
    aliases = {name: original for original, name in mapping.aliases}
    package = compose(identity, index_time, fields, _meaning(mapping), readme_of(identity, kinds, notes, aliases))
    unmatched = tuple(event for index, event in enumerate(boundaries.events) if index not in fields.claimed)
    return Generated(package, identity, kinds, notes, unmatched[:20])


def _sentence(note: str) -> str:
    """The note as a sentence: a capital at its beginning, a full stop at its end."""
    return note[:1].upper() + note[1:] + ("" if note.endswith((".", "?", "!")) else ".")


def _looked_at(boundaries: Boundaries) -> Boundaries:
    """The boundaries with at most MAX_LOOKED_AT events, taken evenly from the whole sample."""
    count = len(boundaries.events)
    if count <= MAX_LOOKED_AT:
        return boundaries
    kept = [boundaries.events[index * count // MAX_LOOKED_AT] for index in range(MAX_LOOKED_AT)]
    return replace(boundaries, events=tuple(kept))


def _breaking(sample: Sample, boundaries: Boundaries) -> dict[str, str]:
    """Settings that make events of the file, on indexers and on universal forwarders."""
    settings = {"SHOULD_LINEMERGE": "false", "LINE_BREAKER": boundaries.line_breaker}
    settings |= {"EVENT_BREAKER_ENABLE": "true", "EVENT_BREAKER": boundaries.line_breaker}
    if sample.charset != "UTF-8":
        settings["CHARSET"] = sample.charset
    longest = max((len(event.encode()) for event in boundaries.events), default=0)
    settings["TRUNCATE"] = str(TRUNCATE_STEP * (2 * longest // TRUNCATE_STEP + 1))
    return settings


def _time(proposal: TimestampProposal | None) -> dict[str, str]:
    """Settings by which Splunk reads the time; none where too few events have one."""
    if proposal is None or proposal.share < MIN_TIME_SHARE:
        return {}
    settings = {}
    if proposal.time_prefix:
        settings["TIME_PREFIX"] = _held(proposal.time_prefix)
    settings["MAX_TIMESTAMP_LOOKAHEAD"] = str(proposal.lookahead)
    if proposal.time_format:
        settings["TIME_FORMAT"] = proposal.time_format
    if proposal.zone:
        settings["TZ"] = proposal.zone
    return settings


def _held(pattern: str) -> str:
    """The pattern as a conf file holds one: classes for blanks at either end, which are dropped there."""
    kept = pattern.strip(" ")
    before, behind = pattern[: len(pattern) - len(pattern.lstrip(" "))], pattern[len(pattern.rstrip(" ")) :]
    return r"\s" * len(before) + kept + r"\s" * len(behind)


def _mapping(package: Package, identity: Identity, boundaries: Boundaries) -> CimMapping:
    """What the fields mean, by the fields that a replay of the package so far yields."""
    step = max(1, len(boundaries.events) // MAX_MAPPED)
    texts = boundaries.events[::step][:MAX_MAPPED]
    replayed = replay(package, "\n".join(texts), sourcetype=identity.sourcetype)
    events = [{name: values[0] for name, values in event.fields.items() if values} for event in replayed.events]
    return map_to_cim(identity.sourcetype, identity.product, events, [event.raw for event in replayed.events])


def _quoted(name: str) -> str:
    """The field's name as FIELDALIAS takes names: in double quotes where a blank or a comma stands within."""
    return f'"{name}"' if set(name) & set(" \t,") else name


def _meaning(mapping: CimMapping) -> Meaning:
    """The mapping as settings: aliases and evals of props.conf, stanzas of eventtypes.conf and tags.conf."""
    props = [(f"FIELDALIAS-{name}", f"{_quoted(original)} AS {name}") for original, name in mapping.aliases]
    props += [(f"EVAL-{name}", expression) for name, expression in mapping.evals]
    return Meaning(
        tuple(props),
        {each.name: {"search": each.search} for each in mapping.eventtypes},
        {f"eventtype={name}": dict.fromkeys(tags, "enabled") for name, tags in mapping.tags.items()},
        {},
    )
