"""Whether a proposal of changes is kept: it is applied to the package, and that is linted and replayed. Pure.

Kept is what extracts more from the sample than before, and loses, slows and breaks nothing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.addons.building.build import Checked, check_package
from app.addons.lint.findings import Severity
from app.addons.package.conf import Stanza, conf_settings, parse_conf, render_conf
from app.addons.package.files import Package
from app.addons.proposals.changes import EVENTTYPES, EXTRACTING, PROPS, TAGS, TRANSFORMS, Change, Changes
from app.addons.proposals.outcome import Refused, Rule
from app.addons.replay.events import ReplayedEvent

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_QUOTED: Final = re.compile(r'"[^"]*"')
_GROUP: Final = re.compile(r"\([^()]*\)")


@dataclass(frozen=True)
class Kept:
    """The changed package, and how the package did over the sample after the changes."""

    package: Package
    checked: Checked


def judged(package: Package, sample: bytes, sourcetype: str, changes: Changes) -> Kept | Refused:
    """The changed package when the changes are kept; else the first rule that refuses them. Raises SampleRefused."""
    changed = applied(package, sourcetype, changes)
    if isinstance(changed, Refused):
        return changed
    before, after = check_package(package, sample, sourcetype), check_package(changed, sample, sourcetype)
    rule = next((rule for rule, breaks in _RULES if breaks(before, after)), None)
    return Kept(changed, after) if rule is None else Refused(rule)


def applied(package: Package, sourcetype: str, changes: Changes) -> Package | Refused:
    """The package with the changes; or the rule by which a change is none of this source type's settings."""
    for change in changes.changes:
        rule = _refusing(package, sourcetype, change)
        if rule is not None:
            return Refused(rule)
    files = dict(package.files)
    for path in sorted({change.file for change in changes.changes}):
        written = _written(package.text(path) or "", [each for each in changes.changes if each.file == path])
        if written is None:
            return Refused(Rule.VALUE)
        files[path] = written.encode("utf-8", "replace")
    changed = Package(package.name, files)
    return _of_the_sourcetype(changed, sourcetype, changes) or changed


def _refusing(package: Package, sourcetype: str, change: Change) -> Rule | None:
    present = parse_conf(package.text(change.file) or "").stanza(change.stanza)
    if change.file == PROPS and change.stanza != sourcetype:
        return Rule.STANZA
    if change.file in {TRANSFORMS, EVENTTYPES} and _NAME.fullmatch(change.stanza) is None:
        return Rule.STANZA
    if change.file == TRANSFORMS and not present.keys() <= EXTRACTING:
        return Rule.STANZA  # a lookup, or a transform that writes when events are indexed
    if change.value is None:
        return None if change.key in present else Rule.MISSING
    if change.file == EVENTTYPES and not is_of_sourcetype(change.value, sourcetype):
        return Rule.VALUE
    return Rule.VALUE if change.file == TAGS and change.value not in {"enabled", "disabled"} else None


def is_of_sourcetype(search: str, sourcetype: str) -> bool:
    """Whether the search begins with the source type and can find no event of another, nor run a command."""
    heads = [f"sourcetype={sourcetype}", f'sourcetype="{sourcetype}"']
    head = next((each for each in heads if search == each or search.startswith(f"{each} ")), None)
    if head is None or set("|[]`") & set(search):
        return False
    rest = _QUOTED.sub("q", search[len(head) :])
    while (smaller := _GROUP.sub(" g ", rest)) != rest:
        rest = smaller
    return not set('()"') & set(rest) and "OR" not in rest.split() and "sourcetype" not in search[len(head) :].lower()


def _written(text: str, changes: Sequence[Change]) -> str | None:
    """The conf file with the changes, comments at its beginning kept; None when no conf file can hold a value."""
    stanzas: dict[str, dict[str, str]] = {each.name: dict(each.settings) for each in parse_conf(text).stanzas}
    for change in changes:
        settings = stanzas.setdefault(change.stanza, {})
        if change.value is None:
            settings.pop(change.key, None)
        else:
            settings[change.key] = change.value
    heading = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        heading.append(line[1:].strip())
    try:
        return render_conf([Stanza(name, settings) for name, settings in stanzas.items() if settings], heading)
    except ValueError:
        return None


def _of_the_sourcetype(package: Package, sourcetype: str, changes: Changes) -> Refused | None:
    """Refused when a changed transform is not the source type's REPORT alone, or a tag is of no event type here."""
    transforms = {each.stanza for each in changes.changes if each.file == TRANSFORMS and each.value is not None}
    props = conf_settings(package, "props")
    if transforms - _named(props.stanza(sourcetype), "REPORT-"):
        return Refused(Rule.UNUSED_TRANSFORM)
    if any(transforms & _named(stanza.settings, "TRANSFORMS-") for stanza in props.stanzas):
        return Refused(Rule.STANZA)
    eventtypes = {f"eventtype={stanza.name}" for stanza in conf_settings(package, "eventtypes").stanzas}
    tagged = {each.stanza for each in changes.changes if each.file == TAGS}
    return Refused(Rule.STANZA) if tagged - eventtypes else None


def _named(settings: Mapping[str, str], prefix: str) -> set[str]:
    """The transforms that settings of this prefix name."""
    return {name.strip() for key, value in settings.items() if key.startswith(prefix) for name in value.split(",")}


def _new_errors(before: Checked, after: Checked) -> bool:
    return bool(_errors(after) - _errors(before))


def _errors(checked: Checked) -> set[tuple[str, str, str | None, str | None]]:
    errors = [each for each in checked.findings if each.severity is Severity.ERROR]
    return {(each.code, each.path, each.stanza, each.key) for each in errors}


def _slower(before: Checked, after: Checked) -> bool:
    slow = {each.setting for each in before.slow}
    limits = {each.setting for each in before.replayed.report.slow}
    return any(each.setting not in slow for each in after.slow) or any(
        each.setting not in limits for each in after.replayed.report.slow
    )


def _new_problems(before: Checked, after: Checked) -> bool:
    return bool(set(after.replayed.report.problems) - set(before.replayed.report.problems))


def _other_events(before: Checked, after: Checked) -> bool:
    def made(checked: Checked) -> list[object]:
        return [(each.raw, each.line, each.time, each.sourcetype) for each in checked.replayed.events]

    return made(before) != made(after)


def _loses(before: Checked, after: Checked) -> bool:
    pairs = zip(before.replayed.events, after.replayed.events, strict=True)
    return any(_loses_of_event(old, new) for old, new in pairs)


def _loses_of_event(old: ReplayedEvent, new: ReplayedEvent) -> bool:
    classes = set(old.eventtypes) <= set(new.eventtypes) and set(old.tags) <= set(new.tags)
    return not classes or any(not set(values) <= set(new.fields.get(name, ())) for name, values in old.fields.items())


def _scores(checked: Checked) -> tuple[float, int, int]:
    """What may not fall, and of which something must rise; fields that an EVAL makes up raise nothing."""
    events = checked.replayed.events
    extracted, tags = sum(len(each.extracted) for each in events), sum(len(each.tags) for each in events)
    return checked.replayed.report.extraction_share, extracted, tags


def _falls(before: Checked, after: Checked) -> bool:
    return any(new < old for old, new in zip(_scores(before), _scores(after), strict=True))


def _gains_nothing(before: Checked, after: Checked) -> bool:
    return _scores(before) == _scores(after)


_RULES: Final[tuple[tuple[Rule, Callable[[Checked, Checked], bool]], ...]] = (
    (Rule.LINT, _new_errors),
    (Rule.SLOW, _slower),
    (Rule.PROBLEMS, _new_problems),
    (Rule.EVENTS, _other_events),
    (Rule.VALUES_LOST, _loses),
    (Rule.SCORE, _falls),
    (Rule.NO_GAIN, _gains_nothing),
)
"""In this order; later rules may take for granted what earlier ones ask, such as equal numbers of events."""
