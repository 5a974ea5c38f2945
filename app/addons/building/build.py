"""Building and checking: sample → package → replay → lint → report. Pure; the command and the jobs call these."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.addons.building.report import check_document
from app.addons.generator.generating import Generated, generate
from app.addons.generator.reading.sample import SampleRefused, read_sample
from app.addons.generator.settings.identity import identity_of
from app.addons.lint.findings import LintFinding, Severity
from app.addons.lint.linter import lint
from app.addons.package.conf import conf_settings
from app.addons.package.files import Package
from app.addons.replay.patterns import SlowSetting, slow_patterns
from app.addons.replay.replaying import replay
from app.addons.replay.report import Replay

MAX_REPLAYED_CHARACTERS = 2_000_000
"""A sample is replayed to here: 10,000 events of 200 bytes say what a million would, in seconds."""
MAX_NAMED = 10
MAX_PATTERN_EVENTS = 50
"""Events on which each expression is tried in its variants: some 60 runs for each of them."""

__all__ = ["Built", "Checked", "SampleRefused", "build_addon", "check_package"]


@dataclass(frozen=True)
class Checked:
    """What a package does to a sample, and what is wrong with the package."""

    package: Package
    replayed: Replay
    findings: tuple[LintFinding, ...]
    slow: tuple[SlowSetting, ...]
    unknown: str | None = None
    """Why the package cannot be asked for the sourcetype; None where the package has it, or none was asked for."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the package does not pass; empty where the package passes."""
        if self.unknown is not None:
            return (self.unknown,)
        report = self.replayed.report
        errors = [finding for finding in self.findings if finding.severity is Severity.ERROR]
        faults = [f"{finding.path}: {finding.message}" for finding in errors]
        faults += [f"{slow.setting} reaches Splunk's match limit" for slow in self.slow]
        if not report.events:
            faults.append("The replay made no event of the sample.")
        elif not report.with_extraction:
            faults.append("No event of the sample gave a field.")
        return tuple(faults)

    @property
    def passed(self) -> bool:
        """Whether the package may be handed out."""
        return not self.faults

    def report_document(self) -> dict[str, Any]:
        """The report as plain JSON."""
        return check_document(self.replayed, self.findings, self.slow, self.faults)


@dataclass(frozen=True)
class Built:
    """A package that was built, and how it did on its own sample."""

    generated: Generated
    checked: Checked

    @property
    def package(self) -> Package:
        """The package."""
        return self.generated.package

    def report_document(self) -> dict[str, Any]:
        """The report as plain JSON: what was found, then what the check says."""
        generated = self.generated
        return {
            "addon": generated.identity.name,
            "version": generated.identity.version,
            "sourcetype": generated.identity.sourcetype,
            "format": list(generated.kinds),
            "files": sorted(self.package.files),
            "notes": list(generated.notes),
            "not_understood": [text[:500] for text in generated.unmatched],
            **self.checked.report_document(),
        }


def build_addon(sample: bytes, name: str, sourcetype: str | None = None, version: str = "1.0.0") -> Built:
    """The add-on for the log of which the content is a sample. Raises SampleRefused."""
    generated = generate(sample, identity_of(name, sourcetype, version))
    return Built(generated, check_package(generated.package, sample, generated.identity.sourcetype))


def check_package(package: Package, sample: bytes, sourcetype: str | None = None) -> Checked:
    """What the package does to the sample. Raises SampleRefused for a sample that is no text."""
    replayed = replay(package, beginning(read_sample(sample).text, MAX_REPLAYED_CHARACTERS), sourcetype=sourcetype)
    unknown = _unknown(package, sourcetype)
    return Checked(package, replayed, lint(package), slow_patterns(package, _few(replayed)), unknown)


def _unknown(package: Package, sourcetype: str | None) -> str | None:
    """The sentence about a sourcetype that is no stanza of the package's props.conf; None for one that is."""
    names = [stanza.name for stanza in conf_settings(package, "props").stanzas if "::" not in stanza.name]
    if sourcetype is None or sourcetype in names:
        return None
    there = ", ".join(names[:MAX_NAMED]) or "none"
    return f"The package has no sourcetype {sourcetype}; in default/props.conf stand: {there}."


def replayed_beginning(package: Package, sample: bytes, sourcetype: str, characters: int) -> tuple[bytes, Replay]:
    """The sample up to so many characters, as bytes in the charset that the package says, and its replay.

    Raises SampleRefused for a sample that is no text.
    """
    text = beginning(read_sample(sample).text, characters)
    replayed = replay(package, text, sourcetype=sourcetype)
    charset = conf_settings(package, "props").stanza(sourcetype).get("CHARSET", "UTF-8")
    try:
        return text.encode(charset, "replace"), replayed
    except LookupError:  # Splunk knows more of them than Python does
        return text.encode("utf-8", "replace"), replayed


def beginning(text: str, characters: int) -> str:
    """The text up to so many characters, without the line that is cut there."""
    if len(text) <= characters:
        return text
    cut = text.rfind("\n", 0, characters)
    return text[: cut if cut > 0 else characters]


def _few(replayed: Replay) -> Sequence[str]:
    """Events to try expressions on: the longest and some evenly taken."""
    raws = [event.raw for event in replayed.events]
    step = max(1, len(raws) // MAX_PATTERN_EVENTS)
    return [*sorted(raws, key=len)[-2:], *raws[::step][:MAX_PATTERN_EVENTS]]
