"""What PostgreSQL's own parser reads: its words for what is no SQL, and the proof that two texts say the same.

`pgparse` carries PostgreSQL's scanner and raw grammar (libpg_query), which resolve no names and run nothing.

Invariant: of two texts that `same_meaning` takes for one, PostgreSQL reads the same tree, but for logical names that
became physical ones, `*` that became columns, and forms that the manual defines as equal (`_RULES`).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pgparse

from app.query.guard.findings import GuardRefusal
from app.query.guard.scanner import plain_number

Tree = Any
"""A parse tree as JSON has it: `{"SelectStmt": {"targetList": [{"ResTarget": …`."""

MAX_ALIGNED: Final = 100_000
"""Comparisons while columns are laid beside the stars that they came from."""

_PLACES: Final = frozenset(
    {"location", "stmt_location", "stmt_len", "rexpr_list_start", "rexpr_list_end", "list_start"}
)
_UNITS: Final = {4: "year", 2: "month", 8: "day", 1024: "hour", 2048: "minute", 4096: "second"}
"""Bits of one field of an interval in a type modifier (src/include/utils/timestamp.h, `INTERVAL_MASK`)."""
_NEGATED: Final = {"AEXPR_NOT_BETWEEN": "AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN_SYM": "AEXPR_BETWEEN_SYM"}


def read(sql: str) -> Tree:
    """The trees of the statements in `sql`. Raises `GuardRefusal` with PostgreSQL's words and place for a fault.

    Raises RecursionError for a tree of some hundred levels.
    """
    try:
        return pgparse.parse(sql)
    except pgparse.PGQueryError as error:
        raise GuardRefusal("syntax", _sentence(error.message), "SELECT … FROM … WHERE …", error.position - 1) from None


def fault_in(sql: str) -> GuardRefusal | None:
    """PostgreSQL's own refusal of the text; None when it can be read."""
    try:
        read(sql)
    except GuardRefusal as refusal:
        return refusal
    except RecursionError:  # read to its end: the tree is what is too deep
        return None
    return None


def difference(said: Tree, written: Tree, logical: Mapping[tuple[str, str], str]) -> int | None:
    """The byte in the user's text where the two trees part; None when they mean the same.

    Args:
        said: of the user's text.
        written: of the text written anew.
        logical: the logical names of the relations that may stand in it, by schema and name.
    """
    comparison = _Comparison(logical)
    one, other = comparison.canonical(said), comparison.of_written(written)
    if other is not None and _parted(one, other, comparison) is None:
        return None
    placed = _Comparison(logical, placed=True)
    return _parted(placed.canonical(said), placed.canonical(written), placed) or 0


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:200] + "."


class _Comparison:
    """Brings trees into the one form that all texts of a meaning share."""

    def __init__(self, logical: Mapping[tuple[str, str], str], *, placed: bool = False) -> None:
        self.logical = logical
        self.placed = placed
        self.aligned = 0
        self._strays: set[str] = set()
        self._bare: set[str] = set()
        self._parts: set[str] = set()

    def of_written(self, tree: Tree) -> Tree | None:
        """As `canonical`; None when it reads another relation than those of the catalog and its own parts of WITH."""
        self._strays, self._bare, self._parts = set(), set(), set()
        canonical = self.canonical(tree)
        return None if self._strays or self._bare - self._parts else canonical

    def canonical(self, tree: Tree) -> Tree:
        """The tree in that form; with places when the comparison is to find one."""
        if isinstance(tree, list):
            return [self.canonical(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        if len(tree) == 1:
            ((kind, body),) = tree.items()
            if kind == "RangeVar":
                return {kind: self._relation(self._body(body))}
            rule = _RULES.get(kind)
            if rule is not None:
                return rule(self._body(body))
            return {kind: self.canonical(body)}
        return self._body(tree)

    def _body(self, body: Tree) -> Tree:
        if not isinstance(body, dict):
            return self.canonical(body)
        fields = {name: self.canonical(value) for name, value in body.items() if name not in _PLACES}
        if self.placed and "location" in body:
            fields["location"] = body["location"]
        if "typeName" in fields:
            fields["typeName"] = _type(fields["typeName"])
        if "ctename" in fields:
            self._parts.add(fields["ctename"])
        for side in ("larg", "rarg"):
            if "limitOption" in fields.get(side, ()):
                fields[side] = _select(fields[side])
        return fields

    def _relation(self, body: dict[str, Any]) -> dict[str, Any]:
        schema = body.pop("schemaname", None)
        if schema is not None:
            known = self.logical.get((schema, body["relname"]))
            if known is None:
                self._strays.add(body["relname"])
            else:
                body["relname"] = known
        else:
            self._bare.add(body["relname"])
        if body.get("alias") == {"aliasname": body["relname"]}:
            del body["alias"]
        return body


def _parted(  # noqa: PLR0911 - one return per pair of forms
    said: Tree, written: Tree, comparison: _Comparison, place: int = 0
) -> int | None:
    """The place where two trees part, at or after `place`; None when they are one."""
    if said == written:
        return None
    if isinstance(said, dict) and isinstance(written, dict):
        place = said.get("location", place)
        names = said.keys() | written.keys()
        for name in sorted(names - {"location"}):
            if name not in said or name not in written:
                return _place_of([said], 0, place)
            if name == "targetList":
                found = _aligned(said[name], written[name], comparison, place)
            else:
                found = _parted(said[name], written[name], comparison, place)
            if found is not None:
                return found
        return None
    if isinstance(said, list) and isinstance(written, list):
        for one, other in zip(said, written, strict=False):
            found = _parted(one, other, comparison, place)
            if found is not None:
                return found
        return None if len(said) == len(written) else _place_of(said, len(written), place)
    return place


def _aligned(said: list[Tree], written: list[Tree], comparison: _Comparison, place: int) -> int | None:
    """As `_parted`, of two SELECT lists; a star in the first one stands for any number of plain columns in the second.

    After a mismatch the last star takes one column more, as with wildcards in file names.
    """
    at, to, star, taken = 0, 0, -1, 0
    while to < len(written):
        comparison.aligned += 1
        if comparison.aligned > MAX_ALIGNED:
            raise GuardRefusal("too-complex", "Too many columns stand beside stars.", "name the columns")
        if at < len(said) and _is_star(said[at]):
            star, taken, at = at, to, at + 1
        elif at < len(said) and _parted(said[at], written[to], comparison, place) is None:
            at, to = at + 1, to + 1
        elif star >= 0 and _is_column(written[taken]):
            taken += 1
            at, to = star + 1, taken
        else:
            return _parted(said[at], written[to], comparison, place) if at < len(said) else _place_of(said, star, place)
    rest = [item for item in said[at:] if not _is_star(item)]
    return None if not rest else _place_of(rest, 0, place)


def _place_of(items: list[Tree], index: int, place: int) -> int:
    """The place of an item, as far as it has one."""
    item = items[index] if index < len(items) else None
    while isinstance(item, dict) and item:
        if "location" in item:
            return int(item["location"])
        item = next(iter(item.values()))
    return place


def _is_star(item: Tree) -> bool:
    fields = item.get("ResTarget", {}).get("val", {}).get("ColumnRef", {}).get("fields", [])
    return bool(fields) and "A_Star" in fields[-1]


def _is_column(item: Tree) -> bool:
    target = item.get("ResTarget", {})
    fields = target.get("val", {}).get("ColumnRef", {}).get("fields", [])
    return "name" not in target and bool(fields) and all("String" in field for field in fields)


# -- forms that are equal ----------------------------------------------------------------------------------------------


def _not(node: Tree) -> Tree:
    return {"BoolExpr": {"boolop": "NOT_EXPR", "args": [node]}}


def _unqualified(names: list[Tree]) -> list[Tree]:
    """Names of functions and types without `pg_catalog`, which is all of the search path."""
    return names[1:] if len(names) > 1 and names[0] == {"String": {"sval": "pg_catalog"}} else names


def _type(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "names": _unqualified(body["names"])} if "names" in body else body


def _call(body: dict[str, Any]) -> Tree:
    """`substring(a FROM 2)` is the call `substring(a, 2)`."""
    body.pop("funcformat", None)
    body["funcname"] = _unqualified(body["funcname"])
    return {"FuncCall": body}


def _expression(body: dict[str, Any]) -> Tree:
    """`a NOT IN (…)` is `NOT (a IN (…))`; so with BETWEEN, LIKE, SIMILAR TO and the negated matches."""
    kind = body["kind"]
    if kind in _NEGATED:
        body["kind"] = _NEGATED[kind]
        body["name"] = [{"String": {"sval": body["name"][0]["String"]["sval"].removeprefix("NOT ")}}]
        return _not({"A_Expr": body})
    name = body["name"][0]["String"]["sval"] if body.get("name") else ""
    if kind == "AEXPR_IN" and name == "<>":
        body["name"] = [{"String": {"sval": "="}}]
        return _not({"A_Expr": body})
    if name in {"!~", "!~*", "!~~", "!~~*"}:
        body["name"] = [{"String": {"sval": name[1:]}}]
        return _not({"A_Expr": body})
    return {"A_Expr": body}


def _tested(body: dict[str, Any]) -> Tree:
    """`a IS NOT TRUE` is `NOT (a IS TRUE)`: neither is ever null."""
    if "_NOT_" not in body["booltesttype"]:
        return {"BooleanTest": body}
    body["booltesttype"] = body["booltesttype"].replace("_NOT_", "_")
    return _not({"BooleanTest": body})


def _constant(body: dict[str, Any]) -> Tree:
    """`.5` is `0.5`, `1E3` is `1e3`, `1_000_000_000_000` and hexadecimal digits are the number that they write."""
    if "fval" in body and isinstance(body["fval"], dict):
        body["fval"] = {"fval": plain_number(body["fval"].get("fval", ""))}
    return {"A_Const": body}


def _cast(body: dict[str, Any]) -> Tree:
    """`INTERVAL '3' DAY` is `INTERVAL '3 day'`, when the text is a whole number."""
    kind = body.get("typeName", {})
    modifiers = kind.get("typmods", [])
    text = body.get("arg", {}).get("A_Const", {}).get("sval", {}).get("sval", "").strip()
    if kind.get("names") == [{"String": {"sval": "interval"}}] and len(modifiers) == 1 and _is_whole(text):
        mask = modifiers[0].get("A_Const", {}).get("ival", {}).get("ival")
        unit = _UNITS.get(mask)
        if unit is not None:
            body["arg"]["A_Const"]["sval"] = {"sval": f"{text} {unit}"}
            body["typeName"] = {name: value for name, value in kind.items() if name != "typmods"}
    return {"TypeCast": body}


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdigit() and text.isascii()


def _sorted(body: dict[str, Any]) -> Tree:
    """ASC is the default, and so are NULLS LAST with it and NULLS FIRST with DESC."""
    if body.get("sortby_dir") == "SORTBY_DEFAULT":
        body["sortby_dir"] = "SORTBY_ASC"
    if body.get("sortby_nulls") == "SORTBY_NULLS_DEFAULT":
        falling = body["sortby_dir"] == "SORTBY_DESC"
        body["sortby_nulls"] = "SORTBY_NULLS_FIRST" if falling else "SORTBY_NULLS_LAST"
    return {"SortBy": body}


def _select(body: dict[str, Any]) -> Tree:
    """LIMIT ALL and LIMIT NULL are no limit."""
    if body.get("limitCount", {}).get("A_Const", {}).get("isnull"):
        del body["limitCount"]
        body["limitOption"] = "LIMIT_OPTION_DEFAULT"
    if "limitOffset" in body and "limitCount" not in body:
        body["limitOption"] = "LIMIT_OPTION_DEFAULT"
    return {"SelectStmt": body}


def _function_in_from(body: dict[str, Any]) -> Tree:
    """LATERAL before a function is a noise word (manual, 7.2.1.5)."""
    body.pop("lateral", None)
    return {"RangeFunction": body}


_RULES: Final[dict[str, Callable[[dict[str, Any]], Tree]]] = {
    "FuncCall": _call,
    "A_Expr": _expression,
    "BooleanTest": _tested,
    "A_Const": _constant,
    "TypeCast": _cast,
    "SortBy": _sorted,
    "SelectStmt": _select,
    "RangeFunction": _function_in_from,
}
"""By class of node, the function that brings its fields into the one form."""
