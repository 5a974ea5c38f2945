"""The guard: reads a statement, refuses whatever is not one bounded read of permitted relations, and writes it anew.

Invariant: only `GuardVerdict.sql` may run. It is written from the tree that was checked, and PostgreSQL's own parser
reads in it the very tree that it reads in the user's text, with permitted relations in place of logical names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from typing import Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

from app.kernel.quoting import equalities
from app.query.guard import join_rules
from app.query.guard.dialect import generate, parse
from app.query.guard.findings import FanOutWarning, GuardFinding, GuardRefusal, GuardVerdict, UsedJoin, location_at
from app.query.guard.grammar import check_depth, check_nodes
from app.query.guard.normalizer import NormalizedStatement, normalize
from app.query.guard.postgres_grammar import Tree, difference, fault_in, read
from app.query.guard.relations import AcceptedJoin, Catalog
from app.query.guard.resolver import Resolver
from app.query.guard.scopes import Budget

MAX_BYTES: Final = 20_000
"""Most bytes of a statement; a longer one is refused unread."""
MAX_FINDINGS: Final = 20
MAX_RATIONALE: Final = 500
_UNITS_OF_A_TOKEN: Final = 2  # long statements are written and compared in the same time as many columns
_OF_GRAMMAR: Final = frozenset({"syntax", "keyword"})
_QUERIES: Final = (exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery)


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """The limits of a caller. `join_override_rationale` lets joins pass that nobody accepted, and is recorded."""

    max_bytes: int = MAX_BYTES
    max_depth: int = 20
    require_accepted_joins: bool = False
    join_override_rationale: str | None = None


FanOutRule = Callable[[exp.Expr, Resolver, Sequence[AcceptedJoin]], tuple[FanOutWarning, ...]]
"""Says of a resolved tree, which stays as it is, which aggregates count rows several times."""


def check(
    sql: str, catalog: Catalog, policy: GuardPolicy | None = None, fan_outs: FanOutRule | None = None
) -> GuardVerdict:
    """The guard's verdict on `sql` for a caller who may read the relations of `catalog`. Raises nothing.

    The steps, and every place that refuses a join, are listed in `app/query/check_statement.py`. What `fan_outs` says
    of an allowed statement is passed on with the verdict, and decides nothing.
    """
    try:
        return _verdict(sql, catalog, policy or GuardPolicy(), fan_outs)
    except GuardRefusal as refusal:
        if refusal.rule in _OF_GRAMMAR:  # PostgreSQL says it better, and knows the place
            refusal = _in_its_words(sql, refusal)
        return _refused([_finding(sql, refusal.offset, refusal)])
    except RecursionError:
        nested = GuardRefusal("too-complex", "The statement is nested too deep.", "name parts in WITH")
        return _refused([_finding(sql, 0, nested)])


def _in_its_words(sql: str, refusal: GuardRefusal) -> GuardRefusal:
    """PostgreSQL's refusal with our way out; ours when PostgreSQL can read the text."""
    fault = fault_in(sql)
    if fault is not None and refusal.nearest is not None:
        fault.nearest = refusal.nearest
    return fault or refusal


def _verdict(sql: str, catalog: Catalog, policy: GuardPolicy, fan_outs: FanOutRule | None) -> GuardVerdict:
    _check_text(sql, policy)
    normalized = normalize(sql, policy.max_depth)
    said = read(normalized.said)
    tree = _tree(normalized)
    faults = islice(check_nodes(tree), MAX_FINDINGS)
    findings = [_finding(sql, _offset(normalized, node), refusal) for node, refusal in faults]
    if findings:
        return _refused(findings)
    budget = Budget()
    budget.spend(_UNITS_OF_A_TOKEN * len(normalized.offsets))
    resolver = Resolver(catalog, budget, MAX_FINDINGS)
    output = tuple(column.name for column in resolver.walk(tree))
    joins, warnings, unaccepted = _judge_joins(resolver, catalog, policy)
    refusals = [*resolver.findings, *unaccepted][:MAX_FINDINGS]
    if refusals:
        return _refused([_finding(sql, _offset(normalized, node), refusal) for node, refusal in refusals])
    counted_twice = fan_outs(tree, resolver, catalog.joins) if fan_outs is not None else ()
    _name_calls(tree)
    written = _write(tree)
    _check_same(normalized, said, written, catalog)
    return GuardVerdict(
        allowed=True,
        sql=written,
        sql_hash=sha256(written.encode()).hexdigest(),
        tables=tuple(sorted(resolver.tables.values(), key=lambda table: table.logical_name)),
        columns=tuple(sorted(resolver.columns)),
        output=output,
        joins=joins,
        warnings=warnings,
        fan_outs=counted_twice,
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
        raise _unread(normalized.offset_of(_column_of(error))) from None
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, AssertionError):
        raise _unread(0) from None  # how the parser fails on what it never expected
    tree = statements[0] if len(statements) == 1 else None
    if not isinstance(tree, _QUERIES):
        raise GuardRefusal("statement-kind", "Only a query is read.", "SELECT … FROM …")
    check_depth(tree)
    return tree


def _unread(offset: int) -> GuardRefusal:
    """For what PostgreSQL can read, and the guard cannot."""
    message = "The statement has a form here, or shortly before, that is not read."
    return GuardRefusal("construct-not-allowed", message, "a plain SELECT", offset)


def _column_of(error: SqlglotError) -> int:
    """Where in the plain text, which is one line, the parser stopped."""
    errors = getattr(error, "errors", None) or [{}]
    return max(0, int(errors[0].get("col") or 1) - 1)


def _check_same(normalized: NormalizedStatement, said: Tree, written: str, catalog: Catalog) -> None:
    """Refuse unless PostgreSQL reads in `written` what the user said, with permitted relations in place of names."""
    logical = {(relation.schema, relation.relation): name for name, relation in catalog.relations.items()}
    parted = difference(said, read(written), logical)
    if parted is not None:
        offset = len(normalized.said.encode()[:parted].decode(errors="ignore"))
        message = "The statement cannot be written anew without a change here."
        raise GuardRefusal("not-faithful", message, "a plainer form", offset)


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
            pairs = zip(accepted.left_columns, accepted.right_columns, strict=True)
            return equalities(accepted.left_table, accepted.right_table, pairs)
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
