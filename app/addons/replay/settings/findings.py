"""What a replay notes on its way: problems of the package, and patterns that hit Splunk's limits."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from app.addons.regexes import MatchLimit, Regex, RegexError, RegexMatch, compile_regex

MAX_PROBLEMS = 100
"""More problems of a package than these are counted and not kept."""
MAX_PROBLEM_CHARACTERS = 400
MAX_SLOW_TEXTS = 5_000
"""A pattern that has hit a limit so often is run no more, and matches nothing: each such text takes milliseconds."""


@dataclass(frozen=True)
class SettingPattern:
    """A compiled pattern and the setting in which it stands: `props.conf [acme] EXTRACT-user`."""

    setting: str
    regex: Regex


@dataclass
class Findings:
    """Collects problems (each text once) and, by setting, the number of texts at which its pattern gave up."""

    problems: dict[str, None] = field(default_factory=dict)
    slow: dict[str, int] = field(default_factory=dict)

    def add(self, problem: str) -> None:
        """Keep the problem, unless there are too many."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.setdefault(problem[:MAX_PROBLEM_CHARACTERS])

    def compile(self, setting: str, pattern: str) -> SettingPattern | None:
        """The compiled pattern; None and a problem where it does not compile."""
        try:
            return SettingPattern(setting, compile_regex(pattern))
        except RegexError as error:
            self.add(f"{setting}: the expression does not compile: {error}")
            return None

    def search(self, pattern: SettingPattern, text: str, start: int = 0) -> RegexMatch | None:
        """The first match; none, and a slow pattern, where Splunk would give up."""
        if self.slow.get(pattern.setting, 0) >= MAX_SLOW_TEXTS:
            return None
        try:
            return pattern.regex.search(text, start)
        except MatchLimit:
            self.note_slow(pattern.setting)
            return None

    def matches(self, pattern: SettingPattern, text: str) -> Iterator[RegexMatch]:
        """All matches; those before the place where Splunk would give up."""
        if self.slow.get(pattern.setting, 0) >= MAX_SLOW_TEXTS:
            return
        try:
            yield from pattern.regex.matches(text)
        except MatchLimit:
            self.note_slow(pattern.setting)

    def note_slow(self, setting: str) -> None:
        """Count one text at which the setting's pattern hit a limit."""
        self.slow[setting] = self.slow.get(setting, 0) + 1
