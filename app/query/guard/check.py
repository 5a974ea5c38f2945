"""The guard: reads a statement, refuses whatever is not one bounded read of permitted relations, and writes it anew.

Invariant: only `GuardVerdict.sql` may run. It is written from the tree that was checked, says the same words as the
user's text in the same order, and reads back to the very same tree.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

from app.query.guard import join_rules
from app.query.guard.dialect import generate, parse
from app.query.guard.findings import GuardFinding, GuardRefusal, GuardVerdict, UsedJoin, location_at
from app.query.guard.grammar import check_depth, check_nodes
from app.query.guard.normalizer import MAX_TOKENS, NormalizedStatement, normalize
from app.query.guard.relations import Catalog
from app.query.guard.resolver import Resolver

MAX_BYTES: Final = 20_000
"""Most bytes of a statement; a longer one is refused unread."""
MAX_FINDINGS: Final = 20
MAX_RATIONALE: Final = 500
_QUERIES: Final = (exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery)
_WRITTEN_DEPTH: Final = 10  # brackets that writing anew may add to the user's own
_WRITTEN_TOKENS: Final = 4 * MAX_TOKENS  # and tokens, above all by * becoming columns


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """The limits of a caller. `join_override_rationale` lets joins pass that nobody accepted, and is recorded."""

    max_bytes: int = MAX_BYTES
    max_depth: int = 20
    require_accepted_joins: bool = False
    join_override_rationale: str | None = None


def check(sql: str, catalog: Catalog, policy: GuardPolicy | None = None) -> GuardVerdict:
    """The guard's verdict on `sql` for a caller who may read the relations of `catalog`. Raises nothing.

    The steps, and every place that refuses a join, are listed in `app/query/check_statement.py`.
    """
    try:
        return _verdict(sql, catalog, policy or GuardPolicy())
    except GuardRefusal as refusal:
        return _refused([_finding(sql, refusal.offset, refusal)])
    except RecursionError:
        nested = GuardRefusal("too-complex", "The statement is nested too deep.", "name parts in WITH")
        return _refused([_finding(sql, 0, nested)])


def _verdict(sql: str, catalog: Catalog, policy: GuardPolicy) -> GuardVerdict:
    _check_text(sql, policy)
    normalized = normalize(sql, policy.max_depth)
    tree = _tree(normalized)
    findings = [_finding(sql, _offset(normalized, node), refusal) for node, refusal in check_nodes(tree)]
    if findings:
        return _refused(findings)
    _check_faithful(normalized, tree, policy)
    _name_calls(tree)
    resolver = Resolver(catalog)
    output = tuple(column.name for column in resolver.query(tree, None, {}))
    joins, warnings, faults = _judge_joins(resolver, catalog, policy)
    refusals = [*resolver.findings, *faults]
    if refusals:
        return _refused([_finding(sql, _offset(normalized, node), refusal) for node, refusal in refusals])
    written = _write(tree)
    _check_fixed(written, tree, policy)
    return GuardVerdict(
        allowed=True,
        sql=written,
        sql_hash=sha256(written.encode()).hexdigest(),
        tables=tuple(sorted(resolver.tables.values(), key=lambda table: table.logical_name)),
        columns=tuple(sorted(resolver.columns)),
        output=output,
        joins=joins,
        warnings=warnings,
    )


def _check_text(sql: str, policy: GuardPolicy) -> None:
    try:
        size = len(sql.encode())
    except UnicodeEncodeError as error:
        raise GuardRefusal("odd-character", "The text holds half a character.", "valid Unicode", error.start) from None
    if size > policy.max_bytes:
        message = f"The statement has {size} bytes, more than {policy.max_bytes}."
        raise GuardRefusal("too-long", message, "a shorter statement")
    if "\0" in sql:
        raise GuardRefusal("odd-character", "The text holds a NUL character.", "leave it out", sql.index("\0"))


def _tree(normalized: NormalizedStatement) -> exp.Expr:
    try:
        statements = parse(normalized.text)
    except SqlglotError as error:
        errors = getattr(error, "errors", None) or [{}]
        offset = normalized.offset_of(int(errors[0].get("start") or 0)) if errors[0].get("start") else 0
        message = str(errors[0].get("description") or "The statement is not one query.")
        raise GuardRefusal("syntax", message.split("\n", 1)[0][:200], "SELECT … FROM … WHERE …", offset) from None
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, AssertionError):
        # The parser fails this way on input it never expected; whatever it was, it is not a plain query.
        raise GuardRefusal("syntax", "The statement is not one query.", "SELECT … FROM … WHERE …") from None
    tree = statements[0] if len(statements) == 1 else None
    if not isinstance(tree, _QUERIES):
        raise GuardRefusal("statement-kind", "Only a query is read.", "SELECT … FROM …")
    check_depth(tree)
    return tree


def _check_faithful(normalized: NormalizedStatement, tree: exp.Expr, policy: GuardPolicy) -> None:
    """Refuse unless the text written says the same words in the same order: nothing is dropped, added or rewritten."""
    again = normalize(_write(tree), policy.max_depth + _WRITTEN_DEPTH, _WRITTEN_TOKENS)
    if again.signature != normalized.signature or again.negations != normalized.negations:
        both = zip(normalized.signature, again.signature, normalized.origins, strict=False)
        place = next((origin for said, written, origin in both if said != written), 0)
        message = "The statement cannot be written anew without a change here."
        raise GuardRefusal("not-faithful", message, "a plainer form", place)


def _check_fixed(written: str, tree: exp.Expr, policy: GuardPolicy) -> None:
    """Refuse unless the text written reads back to the tree that was checked, and is written the same again."""
    again = _tree(normalize(written, policy.max_depth + _WRITTEN_DEPTH, _WRITTEN_TOKENS))
    _name_calls(again)
    if _write(again) != written or again != tree:
        message = "The statement does not read back as it was written."
        raise GuardRefusal("not-faithful", message, "brackets around each part")


def _write(tree: exp.Expr) -> str:
    try:
        return generate(tree)
    except (SqlglotError, ValueError, TypeError, AttributeError, KeyError, IndexError, AssertionError):
        raise GuardRefusal("not-faithful", "The statement cannot be written anew.", "a plainer form") from None


def _name_calls(tree: exp.Expr) -> None:
    """Function names leave unquoted: some of them are grammar, not names (coalesce, nullif, greatest)."""
    for call in tree.find_all(exp.Anonymous):
        if isinstance(call.this, exp.Identifier):
            call.set("this", call.this.name)


def _judge_joins(
    resolver: Resolver, catalog: Catalog, policy: GuardPolicy
) -> tuple[tuple[UsedJoin, ...], tuple[str, ...], list[tuple[exp.Expr, GuardRefusal]]]:
    """The joins with the accepted join that covers each; warnings for overridden ones, refusals for the rest."""
    joins: dict[UsedJoin, None] = {}
    warnings: dict[str, None] = {}
    faults: list[tuple[exp.Expr, GuardRefusal]] = []
    for node, join in resolver.joins:
        covering = join_rules.accepted_join(join, catalog.joins)
        joins[replace(join, join_id=covering.join_id if covering else None)] = None
        if covering is not None or not policy.require_accepted_joins:
            continue
        label = f"{join.left} and {join.right}"
        if policy.join_override_rationale and policy.join_override_rationale.strip():
            rationale = policy.join_override_rationale.strip()[:MAX_RATIONALE]
            warnings[f"The join of {label} is not accepted; overridden: {rationale}"] = None
            continue
        message = f"No accepted join relates {label} this way."
        faults.append((node, GuardRefusal("join-not-accepted", message, _nearest_join(join, catalog))))
    return tuple(joins), tuple(warnings), faults


def _nearest_join(join: UsedJoin, catalog: Catalog) -> str:
    for accepted in catalog.joins:
        if {accepted.left_table, accepted.right_table} == {join.left, join.right}:
            equalities = zip(accepted.left_columns, accepted.right_columns, strict=True)
            return " AND ".join(
                f"{accepted.left_table}.{left} = {accepted.right_table}.{right}" for left, right in equalities
            )
    return "an accepted join, or an override with its rationale"


def _offset(normalized: NormalizedStatement, node: exp.Expr) -> int:
    """The offset, in the user's text, of the first part of a node whose place is known, else of its parent."""
    current: exp.Expr | None = node
    while current is not None:
        starts = [part.meta["start"] for part in current.walk() if "start" in part.meta]
        if starts:
            return normalized.offset_of(min(starts))
        current = current.parent
    return 0


def _finding(sql: str, offset: int, refusal: GuardRefusal) -> GuardFinding:
    return GuardFinding(refusal.rule, refusal.message, location_at(sql, offset), refusal.nearest, refusal.table)


def _refused(findings: list[GuardFinding]) -> GuardVerdict:
    return GuardVerdict(allowed=False, findings=tuple(dict.fromkeys(findings))[:MAX_FINDINGS])
