"""How far an expression gets in a text that it does not match: where a person looks first when a line is not read.

The expression is cut between its parts, groups that are open there are closed, and the longest such beginning that
matches is found by bisection. With alternatives on the outermost level the answer is of some branch, not of the best.
"""

import re

from app.addons.regexes import MatchLimit, Regex, RegexError
from app.addons.replay.report import ExtractionProgress

MAX_PARTS = 2_000
NEAR_CHARACTERS = 60
_PART = re.compile(
    r"""(?P<open>\((?![?*])|\(\?(?:P?<[A-Za-z_]\w*>|'\w+'|:|>|\||[a-zA-Z\-^]+:))
    |(?P<around>\(\?(?:<?[=!]))
    |(?P<setting>\(\?[a-zA-Z\-^]+\)|\(\*[A-Z_:=0-9]+\)|\(\?\#[^)]*\)|\(\?(?:&|P>|R|[+-]?\d)[^)]*\))
    |(?P<close>\))
    |(?P<plain>\\Q.*?(?:\\E|\Z)|\\[xopPNgk]\{[^}]*\}|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|.)""",
    re.VERBOSE | re.DOTALL,
)
_OTHER_GROUP = re.compile(r"\(\?(?!<?[=!]|P?<[A-Za-z_]|'|:|>|\||[a-zA-Z\-^]+[:)]|\#|&|P>|R|[+-]?\d)")
_REPEAT = re.compile(r"(?:[*+?]|\{\d*,?\d*\})[+?]?")


def expression_parts(expression: str) -> list[str]:
    """The expression in parts that may not be cut: characters and classes with their repeats, brackets of groups.

    A look-around is one part. An expression that cannot be read so is one part as a whole.
    """
    parts: list[str] = []
    position = 0
    while position < len(expression):
        match = _PART.match(expression, position)
        if match is None or len(parts) >= MAX_PARTS or _OTHER_GROUP.match(expression, position):
            return [expression]
        end = match.end()
        if match.lastgroup == "around":
            end = _closing(expression, end)
        if match.lastgroup != "open":
            repeat = _REPEAT.match(expression, end)
            end = repeat.end() if repeat else end
        parts.append(expression[position:end])
        position = end
    return parts


def _closing(expression: str, position: int) -> int:
    """The position behind the bracket that closes the group in which the position stands."""
    depth = 1
    while position < len(expression) and depth:
        match = _PART.match(expression, position)
        if match is None:
            return len(expression)
        depth += {"open": 1, "around": 1, "close": -1}.get(match.lastgroup or "", 0)
        position = match.end()
    return position


def progress(setting: str, expression: str, prefix: str, text: str) -> ExtractionProgress | None:
    """How far the expression gets in the text; None where the whole matches. `prefix` stands before the expression."""
    parts = expression_parts(expression)
    low, high = 0, len(parts)
    if _end_of_match(prefix, parts, high, text) is not None:
        return None
    position = 0
    while high - low > 1:
        middle = (low + high) // 2
        end = _end_of_match(prefix, parts, middle, text)
        if end is None:
            high = middle
        else:
            low, position = middle, end
    failing = parts[low] if low < len(parts) else ""
    return ExtractionProgress(
        setting, "".join(parts[:low]), failing, position, text[position : position + NEAR_CHARACTERS]
    )


def _end_of_match(prefix: str, parts: list[str], count: int, text: str) -> int | None:
    """Where the match of the first parts ends; None where they do not match, compile, or hit a limit."""
    depth = sum(_change_of_depth(part) for part in parts[:count])
    try:
        found = Regex(prefix + "".join(parts[:count]) + ")" * depth).search(text)
    except (RegexError, MatchLimit):
        return None
    return None if found is None else found.end


def _change_of_depth(part: str) -> int:
    match = _PART.match(part)
    kind = match.lastgroup if match else ""
    if kind == "open" and match is not None and match.end() == len(part):
        return 1
    return -1 if kind == "close" else 0
