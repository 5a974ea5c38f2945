"""Regular expressions of all conf files, and the extractions of props.conf."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from app.addons.lint.documents import LintedPackage, Setting
from app.addons.lint.findings import LintFinding, found
from app.addons.lint.keys.kinds import KeyTable, Kind
from app.addons.lint.keys.props import PROPS
from app.addons.lint.keys.transforms import TRANSFORMS
from app.addons.lint.patterns import has_nested_repetition, illegal_group_name, sed_expressions
from app.addons.regexes import Regex, RegexError, compile_regex
from app.addons.replay.searching.inline import split_source

_TABLES: Final[tuple[tuple[str, KeyTable], ...]] = (("props", PROPS), ("transforms", TRANSFORMS))
_ALWAYS_THERE: Final = frozenset({"_raw", "source", "sourcetype", "host", "index", "_time", "punct", "linecount"})
DEFAULT_FIELDS: Final = frozenset({"_raw", "_time", "source", "sourcetype", "index", "linecount", "splunk_server"})
"""Fields that Splunk fills by itself. `host` is not among them: events name hosts of their own."""


def expressions(linted: LintedPackage) -> Iterator[tuple[Setting, str]]:
    """Every regular expression of the package with the setting in which it stands."""
    for kind, table in _TABLES:
        for setting in linted.settings(kind):
            if table.exact.get(setting.key) is Kind.REGEX and setting.value:
                yield setting, setting.value
            elif kind == "props" and setting.key.startswith("EXTRACT-") and setting.value:
                yield setting, split_source(setting.value)[0]
            elif kind == "props" and setting.key.startswith("SEDCMD-"):
                for pattern in sed_expressions(setting.value) or ():
                    yield setting, pattern


def compiled(pattern: str) -> Regex | None:
    """The compiled expression; None where it does not compile, which `invalid_regexes` reports."""
    try:
        return compile_regex(pattern)
    except RegexError:
        return None


def invalid_regexes(linted: LintedPackage) -> Iterator[LintFinding]:
    """Expressions that do not compile, and groups whose name is none."""
    for setting, pattern in expressions(linted):
        try:
            compile_regex(pattern)
        except RegexError as error:
            name = illegal_group_name(pattern)
            if name is None:
                message = f"The expression does not compile: {error}."
                yield found("regex-invalid", setting.location, message)
                continue
            yield found("group-name-illegal", setting.location, f"{name[:60]!r} is no name of a group.")


def nested_quantifiers(linted: LintedPackage) -> Iterator[LintFinding]:
    """Expressions that can take exponential time."""
    for setting, pattern in expressions(linted):
        if compiled(pattern) is not None and has_nested_repetition(pattern):
            message = "A group that repeats without limit can consist of one unlimited repetition."
            yield found("nested-quantifier", setting.location, message)


def nameless_extracts(linted: LintedPackage) -> Iterator[LintFinding]:
    """EXTRACTs that yield no field."""
    for setting in linted.settings("props", "EXTRACT-"):
        regex = compiled(split_source(setting.value)[0]) if setting.value else None
        if regex is not None and not regex.names:
            yield found("extract-without-named-group", setting.location, "The expression has no named group.")


def extracts_of_missing_fields(linted: LintedPackage) -> Iterator[LintFinding]:
    """EXTRACTs that read a field which no other EXTRACT of the stanza makes."""
    for document, stanza in linted.stanzas("props"):
        settings = stanza.settings
        if any(key.startswith(("TRANSFORMS-", "INDEXED_EXTRACTIONS")) for key in settings):
            continue
        sources = {key: split_source(each) for key, each in settings.items() if key.startswith("EXTRACT-")}
        if not any(source for _, source in sources.values()):
            continue
        regexes = {key: compiled(pattern) for key, (pattern, _) in sources.items()}
        made = Counter(name for regex in regexes.values() if regex is not None for name in regex.names)
        for key, (_, source) in sources.items():
            own = regexes[key]
            others = made[source] - (own is not None and source in own.names)
            if source and source not in _ALWAYS_THERE and not others:
                message = f"`in {source[:80]}` at the end is read as the field {source[:80]}, which no EXTRACT makes."
                location = Setting(document, stanza, key, "").location
                yield found("extract-reads-field", location, message)


def overwritten_default_fields(linted: LintedPackage) -> Iterator[LintFinding]:
    """Extractions and evals that write Splunk's own fields."""
    for setting in linted.settings("props", "EXTRACT-"):
        regex = compiled(split_source(setting.value)[0])
        names = sorted(DEFAULT_FIELDS.intersection(regex.names)) if regex is not None else []
        if names:
            yield found("default-field-overwritten", setting.location, f"The expression writes {', '.join(names)}.")
    for setting in linted.settings("props", "EVAL-"):
        name = setting.key.removeprefix("EVAL-")
        if name in DEFAULT_FIELDS:
            yield found("default-field-overwritten", setting.location, f"The eval writes {name}.")


def malformed_sed(linted: LintedPackage) -> Iterator[LintFinding]:
    """SEDCMDs that are no sed script."""
    for setting in linted.settings("props", "SEDCMD-"):
        if setting.value and sed_expressions(setting.value) is None:
            message = f"{setting.value[:80]} is neither s/regex/replacement/flags nor y/from/to/ of equal lengths."
            yield found("sedcmd-malformed", setting.location, message)
