"""Regular expressions of all conf files, and the extractions of props.conf."""

from collections.abc import Iterator
from typing import Final

from app.addons.lint.catalogue.table import found
from app.addons.lint.documents import LintedPackage, Setting
from app.addons.lint.findings import LintFinding
from app.addons.lint.keys.kinds import KeyTable, Kind
from app.addons.lint.keys.props import PROPS
from app.addons.lint.keys.transforms import TRANSFORMS
from app.addons.lint.patterns import has_nested_repetition, illegal_group_name, sed_expressions, split_source_field
from app.addons.regexes import Regex, RegexError, compile_regex

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
                yield setting, split_source_field(setting.value)[0]
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
        regex = compiled(split_source_field(setting.value)[0]) if setting.value else None
        if regex is not None and not regex.names:
            yield found("extract-without-named-group", setting.location, "The expression has no named group.")


def extracts_of_missing_fields(linted: LintedPackage) -> Iterator[LintFinding]:
    """EXTRACTs that read a field which nothing before them makes."""
    for setting in linted.settings("props", "EXTRACT-"):
        source = split_source_field(setting.value)[1]
        settings = setting.stanza.settings
        made_at_index_time = any(key.startswith(("TRANSFORMS-", "INDEXED_EXTRACTIONS")) for key in settings)
        if source is None or source in _ALWAYS_THERE or made_at_index_time:
            continue
        others = (value for key, value in settings.items() if key.startswith("EXTRACT-") and key != setting.key)
        patterns = (compiled(split_source_field(value)[0]) for value in others)
        if not any(regex is not None and source in regex.names for regex in patterns):
            message = f"`in {source}` at the end is read as the field {source}, which no EXTRACT makes."
            yield found("extract-reads-field", setting.location, message)


def overwritten_default_fields(linted: LintedPackage) -> Iterator[LintFinding]:
    """Extractions and evals that write Splunk's own fields."""
    for setting in linted.settings("props", "EXTRACT-"):
        regex = compiled(split_source_field(setting.value)[0])
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
