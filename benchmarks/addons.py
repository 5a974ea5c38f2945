"""How right generated add-ons are on events that were not generated from, and how long generating takes.

    python -m benchmarks.addons --data <shared>/data/logs
    python -m benchmarks.addons --data <shared>/data/logs --source NAME --details
    python -m benchmarks.addons --data <shared>/data/logs --truth

From three fifths of the events of each source an add-on is built; the package is replayed over the others
(`benchmarks/addon_truth.py` says which). B: share of the true events that are replayed events, by their text without
blanks at the end. T: share of the true times that the replay reads. R: share of the expected values that stand in the
text and that any field of the replayed event has. Conflicts: share of the expected fields for which the replay has a
field of the same name with other values only. `--truth` feeds the truth itself to the score, which must be 1 in all.

Seconds of generating are given per 100 lines of the part that is generated from. A part of fewer lines counts as 100:
a cost that no line causes, such as reading the package's own rules, is not multiplied.

Targets on sources never seen: B 0.98, T 0.95, R 0.60 without and 0.95 with JSON, conflicts at most 0.01, at most 5
seconds of generating per 100 lines, no pattern that reaches Splunk's match limit.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.addons.building.build import build_addon
from app.addons.package.files import Package
from app.addons.replay.patterns import SlowSetting, slow_patterns
from app.addons.replay.replaying import replay
from benchmarks.addon_truth import Score, Source, events_of_truth, score, share, sources

TARGETS = {"B": 0.98, "T": 0.95, "R": 0.60, "R of JSON": 0.95, "conflicts": 0.01, "s/100 lines": 5.0}
SHOWN = 40


@dataclass(frozen=True)
class Result:
    """What came of one source."""

    source: Source
    score: Score
    seconds: float
    """Seconds of generating per 100 lines; of a sample of fewer lines the seconds that were taken."""
    slow: tuple[SlowSetting, ...]
    package: Package


def built(sample: bytes, name: str) -> Package:
    """The add-on that is generated from the sample; an empty stanza where nothing is built of the sample."""
    try:
        return build_addon(sample, name).package
    except Exception as error:  # noqa: BLE001 - a source from which nothing is built scores as one without an add-on
        print(f"{name}: nothing is built: {type(error).__name__}: {error}")
        return Package(name, {"default/props.conf": f"[{name}]\n".encode()})


def measured(source: Source) -> Result:
    """Generate from one part of the events, replay over the other, score."""
    sample = source.text(source.generating)
    begun = time.perf_counter()
    package = built(sample.encode(), source.name)
    seconds = per_hundred_lines(time.perf_counter() - begun, sample.count("\n"))
    replayed = replay(package, source.text(source.scored))
    slow = slow_patterns(package, [*replay(package, sample).events, *replayed.events])
    return Result(source, score(source.scored, replayed.events), seconds, slow, package)


def per_hundred_lines(seconds: float, lines: int) -> float:
    """The seconds per 100 lines; of fewer lines the seconds as they are, for a fixed cost is not multiplied."""
    return seconds * 100 / max(lines, 100)


def measured_truth(source: Source) -> Result:
    """Score the truth itself."""
    found = score(source.scored, events_of_truth(source.scored))
    return Result(source, found, 0.0, (), Package(source.name))


def _text(value: float | None) -> str:
    return "    -" if value is None else f"{value:5.3f}"


def _row(label: str, values: Sequence[float | None], rest: str = "") -> None:
    print(f"{label:<28} " + "  ".join(_text(value) for value in values) + rest)


def _shares(result: Result) -> list[float | None]:
    found = result.score
    return [share(found.boundaries), share(found.times), share(found.values), share(found.conflicts)]


def _mean(results: Sequence[Result], label: str) -> None:
    columns = zip(*(_shares(result) for result in results), strict=True)
    means: list[float | None] = []
    for column in columns:
        known = [value for value in column if value is not None]
        means.append(sum(known) / len(known) if known else None)
    _row(label, means, f"   ({len(results)} sources)")


def _pooled(results: Sequence[Result], label: str) -> None:
    counts = [
        [getattr(result.score, name) for result in results] for name in ("boundaries", "times", "values", "conflicts")
    ]
    _row(label, [share((sum(a for a, _ in each), sum(b for _, b in each))) for each in counts])


def report(results: Sequence[Result], *, families: bool) -> None:
    """Print a row for each source, the means, and the targets."""
    print(f"{'source':<28}     B      T      R  confl.   from/scored  s/100 lines  slow patterns")
    for result in results:
        source = result.source
        split = f"{len(source.generating):>7}/{len(source.scored):<7}"
        _row(source.name, _shares(result), f" {split}{result.seconds:>10.2f}  {len(result.slow):>8}")
    groups = [("all", list(results))]
    groups += [(label, [r for r in results if r.source.is_json == json]) for label, json in (("JSON", 1), ("other", 0))]
    if families:
        names = sorted({result.source.family for result in results})
        groups += [(f"  {name}", [r for r in results if r.source.family == name]) for name in names]
    for label, members in groups:
        if members:
            _mean(members, f"mean of {label}" if not label.startswith(" ") else label)
    for label, members in groups[:3]:
        if members:
            _pooled(members, f"pooled {label}")
    print("targets: " + ", ".join(f"{name} {value}" for name, value in TARGETS.items()))
    slowest = max((result.seconds for result in results), default=0.0)
    print(f"slowest generating: {slowest:.2f} s per 100 lines")


def details(result: Result) -> None:
    """Print what is wrong, and the package's conf files."""
    for name in ("props", "transforms"):
        text = result.package.text(f"default/{name}.conf")
        if text:
            print(f"--- {name}.conf\n{text.rstrip()}")
    for line in result.score.wrong[:SHOWN]:
        print(f"    {line}")
    if len(result.score.wrong) > SHOWN:
        print(f"    and {len(result.score.wrong) - SHOWN} more")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with index.json")
    parser.add_argument("--source", action="append", default=[], help="only this one; may be repeated")
    parser.add_argument("--details", action="store_true", help="print the package and what is wrong")
    parser.add_argument("--families", action="store_true", help="means for each family of formats")
    parser.add_argument("--truth", action="store_true", help="score the truth itself")
    options = parser.parse_args()
    measure = measured_truth if options.truth else measured
    results = []
    for source in sources(options.data, options.source):
        results.append(measure(source))
        if options.details:
            print(f"=== {source.name}: {source.format}")
            details(results[-1])
    report(results, families=options.families)
    offenders = [(result.source.name, slow) for result in results for slow in result.slow]
    print(f"patterns that reach a limit: {len(offenders)}")
    for name, slow in offenders:
        print(f"    {name}: {slow.setting} on {slow.text[:120]!r}")


if __name__ == "__main__":
    main()
