"""Aliases and evals of props.conf."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from app.addons.lint.documents import LintedPackage, Setting
from app.addons.lint.findings import LintFinding, found
from app.addons.replay.eval.nodes import Call, Literal, Node
from app.addons.replay.eval.parsing import parse_expression
from app.addons.replay.eval.tokens import MAX_EXPRESSION_CHARACTERS, EvalError

PLACEHOLDERS: Final = frozenset(
    {"", "-", "--", "?", "n/a", "na", "nil", "none", "null", "(null)", "undefined", "unknown", "unset"}
)
"""Texts that stand for a missing value; none of them is the value of a field."""
_ALIAS: Final = re.compile(r'\s*("[^"]+"|[^\s"=]+)\s+(?:AS|ASNEW)\s+("[^"]+"|[^\s",=]+)\s*,?', re.IGNORECASE)


def aliases_of(value: str) -> tuple[tuple[str, str], ...] | None:
    """The pairs of original name and alias; None for a value that is no list of `name AS alias`."""
    pairs: list[tuple[str, str]] = []
    position = 0
    while position < len(value):
        match = _ALIAS.match(value, position)
        if match is None:
            return None if value[position:].strip() else tuple(pairs)
        pairs.append((match[1].strip('"'), match[2].strip('"')))
        position = match.end()
    return tuple(pairs) or None


def malformed_aliases(linted: LintedPackage) -> Iterator[LintFinding]:
    """FIELDALIAS settings that do not read as aliases."""
    for setting in linted.settings("props", "FIELDALIAS-"):
        if setting.value and aliases_of(setting.value) is None:
            message = f"{setting.value[:80]} is no list of `name AS alias`."
            yield found("alias-malformed", setting.location, message)


def doubtful_aliases(linted: LintedPackage) -> Iterator[LintFinding]:
    """Aliases of themselves and of placeholders."""
    for setting in linted.settings("props", "FIELDALIAS-"):
        for original, alias in aliases_of(setting.value) or ():
            if original == alias:
                yield found("alias-to-itself", setting.location, f"{original[:80]} is an alias of itself.")
            elif original.casefold() in PLACEHOLDERS:
                message = f"{alias[:80]} takes its value from the placeholder {original[:80]}."
                yield found("alias-of-placeholder", setting.location, message)


def colliding_aliases(linted: LintedPackage) -> Iterator[LintFinding]:
    """Loops of aliases, and aliases that two fields of a stanza share."""
    for document, stanza in linted.stanzas("props"):
        items = stanza.settings.items()
        settings = [Setting(document, stanza, key, value) for key, value in items if key.startswith("FIELDALIAS-")]
        pairs = [(setting, *pair) for setting in settings for pair in aliases_of(setting.value) or ()]
        sources: dict[str, str] = {}
        for setting, original, alias in pairs:
            if sources.setdefault(alias, original) != original:
                message = f"{alias[:80]} is the alias of {sources[alias][:80]} and of {original[:80]}."
                yield found("alias-twice", setting.location, message)
        for setting, original, alias in pairs:
            if original != alias and _leads_back(alias, sources):
                yield found("alias-loop", setting.location, f"The aliases from {original[:80]} lead back to it.")


def _leads_back(alias: str, sources: Mapping[str, str]) -> bool:
    """Whether the chain of originals from the alias comes to the alias again."""
    seen = {alias}
    name = sources.get(alias)
    while name is not None and name not in seen:
        seen.add(name)
        name = sources.get(name)
    return name == alias


def evals(linted: LintedPackage) -> Iterator[LintFinding]:
    """EVALs that do not parse, or assign a placeholder."""
    for setting in linted.settings("props", "EVAL-"):
        if not setting.value or len(setting.value) > MAX_EXPRESSION_CHARACTERS:
            continue
        try:
            expression = parse_expression(setting.value)
        except EvalError as error:
            yield found("eval-invalid", setting.location, f"{error}.")
            continue
        for literal in _results(expression):
            if literal.strip().casefold() in PLACEHOLDERS:
                yield found("eval-placeholder", setting.location, f"The eval assigns the placeholder {literal[:40]!r}.")


def _results(node: Node) -> Iterator[str]:
    """The literal texts that the expression can have as its value."""
    if isinstance(node, Literal) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, Call):
        function = node.function.casefold()
        chosen = {"coalesce": node.arguments, "if": node.arguments[1:], "case": node.arguments[1::2]}
        for argument in chosen.get(function, ()):
            yield from _results(argument)
