"""Walks a statement query by query, gives every name its meaning, and writes the physical relations in their place.

Invariant: after a walk without findings every table is a permitted relation, every `*` a list of visible columns, and
every column a visible one. The tree is changed in place.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from sqlglot import exp

from app.query.guard import join_rules
from app.query.guard.findings import GuardRefusal, UsedColumn, UsedJoin, UsedTable
from app.query.guard.functions import RESULT_COLUMNS
from app.query.guard.grammar import SYSTEM_SCHEMAS, function_name
from app.query.guard.naming import UNNAMED, output_name, whole_items
from app.query.guard.relations import HIDDEN_PREFIX, Catalog, nearest_names
from app.query.guard.scopes import Budget, Output, Reference, Scope, Source
from app.query.guard.sizes import COLUMN_BYTES, SCALAR_BYTES, TOO_LARGE, Measures, bytes_of, rows_of, too_large

_QUERIES: Final = (exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery)
_CLAUSES: Final = ("where", "group", "having", "windows", "distinct", "order")

MAX_OUTPUTS: Final = 1_664  # PostgreSQL's own limit (MaxTupleAttributeNumber)

Ctes = dict[str, Source]


class _EnoughError(Exception):
    """As many findings as are shown."""


class Resolver:
    """A walk over one statement. `findings` holds the refusals with the node each belongs to."""

    def __init__(self, catalog: Catalog, budget: Budget, max_findings: int) -> None:
        self.catalog = catalog
        self.budget = budget
        self.max_findings = max_findings
        self.findings: list[tuple[exp.Expr, GuardRefusal]] = []
        self.tables: dict[str, UsedTable] = {}
        self.columns: set[UsedColumn] = set()
        self.joins: list[tuple[exp.Expr, UsedJoin]] = []
        self.references: dict[int, Reference] = {}
        self.sources: dict[int, Source] = {}  # by the node in FROM
        self._measures = Measures(self._column_bytes)

    def walk(self, tree: exp.Expr) -> tuple[Output, ...]:
        """The output columns of the statement; none when so much is wrong that the walk ended early.

        Raises `GuardRefusal` when the budget is spent.
        """
        try:
            return self.query(tree, None, {})
        except _EnoughError:
            return ()

    def query(self, node: exp.Expr, outer: Scope | None, ctes: Ctes) -> tuple[Output, ...]:
        """The output columns of a query; `outer` is the scope it may refer to."""
        ctes = self._ctes(node, outer, ctes)
        if isinstance(node, exp.Select):
            outputs = self._select(node, outer, ctes)
        elif isinstance(node, exp.Subquery):
            outputs = self.query(node.this, outer, ctes)
        else:
            left = self.query(node.this, outer, ctes)
            right = self.query(node.expression, outer, ctes)
            outputs = tuple(map(Output.united, left, right)) if len(left) == len(right) else left
        self._measures.query(node, [output.bytes for output in outputs])
        if isinstance(node, exp.Select):
            return outputs
        order = node.args.get("order")
        if order is not None:
            self._clause(order, Scope(self.budget, outer), ctes, {output.name for output in outputs})
        return outputs

    def _refuse(self, node: exp.Expr, rule: str, message: str, nearest: str | None = None) -> None:
        self._found(node, GuardRefusal(rule, message, nearest))

    def _found(self, node: exp.Expr, refusal: GuardRefusal) -> None:
        if refusal.rule == "too-complex":
            raise refusal
        self.findings.append((node, refusal))
        if len(self.findings) >= self.max_findings:
            raise _EnoughError

    # -- WITH ------------------------------------------------------------------------------------------------------

    def _ctes(self, node: exp.Expr, outer: Scope | None, ctes: Ctes) -> Ctes:
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        seen = dict(ctes)
        own: set[str] = set()
        for cte in clause.expressions:
            name = cte.alias
            if name in self.catalog.relations or name.startswith(("pg_", HIDDEN_PREFIX)) or name in SYSTEM_SCHEMAS:
                self._refuse(cte, "cte-shadows-relation", f"{name} is the name of a relation.", f"{name}_part")
            if name in own:
                self._refuse(cte, "duplicate-alias", f"{name} names two parts of WITH.", f"{name}_2")
            own.add(name)
            columns = self._renamed(cte, self.query(cte.this, outer, seen))
            seen[name] = Source(
                name, "query", columns, self._drawn_from(cte.this, seen), rows=self._measures.rows(cte.this)
            )
        return seen

    def _renamed(self, node: exp.Expr, outputs: tuple[Output, ...]) -> tuple[Output, ...]:
        alias = node.args.get("alias")
        names = [column.name for column in alias.columns] if alias is not None else []
        if len(names) > len(outputs):
            self._refuse(node, "column-alias-list", "More names than columns.", f"{len(outputs)} names")
            return outputs
        return (
            *(replace(output, name=name) for output, name in zip(outputs, names, strict=False)),
            *outputs[len(names) :],
        )

    def _drawn_from(self, query: exp.Expr, ctes: Ctes) -> frozenset[str]:
        """The governed tables under a query. Called after its walk, when tables carry physical names."""
        found: set[str] = set()
        for table in query.find_all(exp.Table):
            name = table.meta.get("logical")
            if name is not None:
                found.add(name)
            elif table.name in ctes:
                found |= ctes[table.name].tables
        return frozenset(found)

    # -- SELECT ----------------------------------------------------------------------------------------------------

    def _select(self, node: exp.Select, outer: Scope | None, ctes: Ctes) -> tuple[Output, ...]:
        scope = Scope(self.budget, outer)
        source = node.args.get("from_")
        if source is not None:
            self._add(source, source.this, scope, outer, ctes)
        for join in node.args.get("joins") or []:
            self._join(node, join, scope, outer, ctes)
        outputs = self._projections(node, scope, ctes)
        names = {output.name for output in outputs}
        for clause in _CLAUSES:
            value = node.args.get(clause)
            for part in value if isinstance(value, list) else [value] if value is not None else []:
                self._clause(part, scope, ctes, names)
        self._correlations(node, scope)
        self._measures.select(node, scope.rows)
        if too_large(sum(output.bytes for output in outputs)):
            self._refuse(node, *TOO_LARGE)
        return outputs

    def _add(self, node: exp.Expr, source: exp.Expr, scope: Scope, outer: Scope | None, ctes: Ctes) -> Source | None:
        try:
            added = self._source(source, scope, outer, ctes)
            scope.add(added)
        except GuardRefusal as refusal:
            self._found(source if source is not None else node, refusal)
            scope.incomplete = True
            return None
        self.sources[id(source)] = added
        return added

    def _source(self, node: exp.Expr, scope: Scope, outer: Scope | None, ctes: Ctes) -> Source:
        alias = node.alias
        unnamed = f" {len(scope.sources)}"  # no statement can write a name that begins with a space unquoted
        if isinstance(node, exp.Subquery):
            outputs = self._renamed(node, self.query(node, outer, ctes))
            drawn, rows = self._drawn_from(node, ctes), self._measures.rows(node)
            return Source(alias or unnamed, "query", outputs, drawn, bool(alias), rows=rows)
        if isinstance(node, exp.Values):
            return self._values(node, alias, unnamed, outer, ctes)
        if isinstance(node.this, exp.Anonymous):
            return self._function(node, scope, ctes)
        return self._relation(node, ctes)

    def _function(self, node: exp.Expr, scope: Scope, ctes: Ctes) -> Source:
        """A function in FROM; its arguments may read the sources before it (manual, 7.2.1.5)."""
        name = function_name(node.this) or ""
        size = self._expression(node.this, scope, ctes)
        read = (self.references.get(id(column)) for column in node.this.find_all(exp.Column))
        lateral = any(reference is not None and reference.depth == 0 for reference in read)
        names: tuple[str, ...] = RESULT_COLUMNS.get(name, (node.alias or name,))
        if name == "unnest":
            names *= len(node.this.expressions)
        outputs = [Output(column, bytes=size) for column in names]
        outputs += [Output("ordinality")] if node.args.get("ordinality") else []
        columns, rows = self._renamed(node, tuple(outputs)), rows_of(node.this, size)
        return Source(node.alias or name, "function", columns, lateral=lateral, rows=rows)

    def _values(self, node: exp.Values, alias: str, unnamed: str, outer: Scope | None, ctes: Ctes) -> Source:
        widths = {len(row.expressions) for row in node.expressions}
        if len(widths) != 1:
            raise GuardRefusal("syntax", "VALUES lists must all be the same length.", "(VALUES (1, 'a'), (2, 'b'))")
        longest = max(self._expression(row, Scope(self.budget, outer), ctes) for row in node.expressions)
        outputs = tuple(Output(f"column{index + 1}", bytes=longest) for index in range(widths.pop()))
        columns, rows = self._renamed(node, outputs), float(len(node.expressions))
        return Source(alias or unnamed, "values", columns, named=bool(alias), rows=rows)

    def _relation(self, node: exp.Expr, ctes: Ctes) -> Source:
        name = node.name
        if name in ctes:
            columns = self._renamed(node, ctes[name].columns)
            return Source(node.alias or name, "query", columns, ctes[name].tables, rows=ctes[name].rows)
        if name.startswith("pg_") or name in SYSTEM_SCHEMAS:
            raise GuardRefusal(
                "system-relation", "The system catalogue is not readable.", nearest_names(name, self.catalog.relations)
            )
        relation = self.catalog.relations.get(name)
        if relation is None:
            nearest = nearest_names(name, [*self.catalog.relations, *ctes])
            raise GuardRefusal("unknown-table", f"{name} is not a table that you may query.", nearest, table=name)
        if node.args.get("alias") is not None and node.args["alias"].columns:
            raise GuardRefusal(
                "column-alias-list", "The columns of a table keep their names here.", f"{name} AS {node.alias}"
            )
        self.tables[name] = UsedTable(relation.table_id, name, relation.version, relation.state)
        alias = node.alias or name
        physical = exp.Identifier(this=relation.relation, quoted=True)
        node.set("this", physical.update_positions(node.this))
        node.set("db", exp.Identifier(this=relation.schema, quoted=True))
        node.set("alias", exp.TableAlias(this=exp.Identifier(this=alias, quoted=True)))
        node.meta["logical"] = name
        columns = tuple(
            Output(column.name, (name, column.name), bytes_of(column.type))
            for column in relation.columns
            if not column.name.startswith(HIDDEN_PREFIX)
        )
        return Source(alias, "table", columns, frozenset({name}))

    # -- JOIN ------------------------------------------------------------------------------------------------------

    def _join(  # noqa: PLR0911 - one return per kind of join
        self, select: exp.Select, node: exp.Join, scope: Scope, outer: Scope | None, ctes: Ctes
    ) -> None:
        right = self._add(node, node.this, scope, outer, ctes)
        using = [name.name for name in node.args.get("using") or []]
        on: exp.Expr | None = node.args.get("on")
        if right is not None and right.lateral and (on is None or node.side in {"", "LEFT"}):
            # Each row comes with what was made from it.
            if on is not None:
                self._expression(on, scope, ctes)
            return
        if on is None and not using:
            self._refuse(node.this, *join_rules.unrelated(select, node))
            return
        if right is None:
            return
        kind = (node.side or "inner").lower()
        if on is None:
            try:
                pairs = scope.merge(using, right)
            except GuardRefusal as refusal:
                self._found(node.this, refusal)
                return
            for reference, inner in pairs:
                self._read(reference)
                self._read(Reference(0, (right,), inner))
            self._record(node, join_rules.used_by_using(pairs, right, kind))
            return
        self._expression(on, scope, ctes)
        if any(id(column) not in self.references for column in on.find_all(exp.Column)):
            return  # a name in the condition is already refused
        relation = join_rules.relate(on, right, scope, self.references)
        if relation is None:
            nearest = f"ON a.column = {right.alias.strip()}.column"
            self._refuse(on, "unconstrained-join", "The condition does not relate the two sides.", nearest)
            return
        self._record(node, join_rules.used(relation, right, kind))

    def _record(self, node: exp.Expr, used: list[UsedJoin]) -> None:
        self.joins.extend((node, join) for join in used)

    def _correlations(self, node: exp.Select, scope: Scope) -> None:
        outer = [reference for reference in scope.references_out if any(source.tables for source in reference.sources)]
        if outer:
            self._record(node, join_rules.used_by_correlation(node.args.get("where"), outer, scope, self.references))

    # -- expressions -----------------------------------------------------------------------------------------------

    def _projections(self, node: exp.Select, scope: Scope, ctes: Ctes) -> tuple[Output, ...]:
        projections: list[exp.Expr] = []
        outputs: list[Output] = []
        for projection in node.expressions:
            if len(projections) > MAX_OUTPUTS:
                break
            self.budget.spend(1)
            if isinstance(projection, exp.Star) or (
                isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star)
            ):
                starred = self._starred(projection, scope)
                self.budget.spend(2 * len(starred))
                for alias, output in starred:
                    table = exp.Identifier(this=alias, quoted=True) if alias is not None else None
                    column = exp.Column(this=exp.Identifier(this=output.name, quoted=True), table=table)
                    projections.append(column)
                    outputs.append(output)
                    self._column(column, scope)
                continue
            size = self._expression(projection, scope, ctes)
            projections.append(projection)
            inner = projection.this if isinstance(projection, exp.Alias) else projection
            while isinstance(inner, exp.Paren):
                inner = inner.this
            reference = self.references.get(id(inner))
            origin = reference.output.origin if reference is not None else None
            outputs.append(Output(output_name(projection), origin, size))
        if len(projections) > MAX_OUTPUTS:
            self._refuse(node, "too-complex", f"More than {MAX_OUTPUTS} columns.", "name the columns")
        node.set("expressions", projections)
        return tuple(outputs)

    def _starred(self, node: exp.Expr, scope: Scope) -> list[tuple[str | None, Output]]:
        if isinstance(node, exp.Star):
            starred = scope.star
            if not scope.sources and not self.findings:
                self._refuse(node, "syntax", "SELECT * with no tables specified is not valid.", "SELECT * FROM table")
            sources = list(scope.sources.values())
        else:
            source = scope.sources.get(node.text("table"))
            if source is None or not source.named:
                aliases = [known.alias for known in scope.sources.values() if known.named]
                table = node.text("table")
                if scope.incomplete:
                    return []
                self._refuse(
                    node, "unknown-alias", f"{table} is not a table of this query.", nearest_names(table, aliases)
                )
                return []
            starred, sources = [(source.alias, column) for column in source.columns], [source]
        for source in sources:
            if any(column.name == UNNAMED for column in source.columns):
                self._refuse(node, "ambiguous-column", "A column of the subquery has no name.", "expression AS name")
                return []
        return starred

    def _clause(self, node: exp.Expr, scope: Scope, ctes: Ctes, outputs: set[str]) -> None:
        """A clause of a query; a whole item of GROUP BY, ORDER BY or DISTINCT ON may be an output name."""
        by_output = [column for column in whole_items(node) if self._is_output(column, node, scope, outputs)]
        self._expression(node, scope, ctes, {id(column) for column in by_output})

    def _expression(self, root: exp.Expr, scope: Scope, ctes: Ctes, known: Collection[int] = ()) -> float:
        """Gives the names in an expression their meaning; the bound of its value, in bytes."""
        stack = [root]
        while stack:
            node = stack.pop()
            if isinstance(node, exp.Column):
                if id(node) not in known:
                    self._column(node, scope)
            elif isinstance(node, _QUERIES):
                self.query(node, scope, ctes)
            elif isinstance(node, exp.In) and node.args.get("query") is not None:
                self._membership(node, scope, ctes)
            else:
                stack.extend(reversed(list(node.iter_expressions())))
        part, size = self._measures.expression(root, scope.rows)
        if too_large(size):
            self._refuse(part, *TOO_LARGE)
            return SCALAR_BYTES  # refused once is enough
        return size

    def _column_bytes(self, node: exp.Expr) -> float:
        reference = self.references.get(id(node))
        return COLUMN_BYTES if reference is None else reference.output.bytes

    @staticmethod
    def _is_output(column: exp.Column, clause: exp.Expr, scope: Scope, outputs: set[str]) -> bool:
        if column.text("table") or column.name not in outputs:
            return False
        if not isinstance(clause, exp.Group):
            return True
        try:  # GROUP BY looks for an input column first
            return scope.own(column.name, None) is None
        except GuardRefusal:
            return False

    def _membership(self, node: exp.In, scope: Scope, ctes: Ctes) -> None:
        outputs = self.query(node.args["query"], scope, ctes)
        self._expression(node.this, scope, ctes)
        tables = self._drawn_from(node.args["query"], ctes)
        self._record(node, join_rules.used_by_membership(node.this, outputs, tables, self.references))

    def _column(self, node: exp.Column, scope: Scope) -> None:
        try:
            reference = scope.resolve(node.name, node.text("table") or None)
        except GuardRefusal as refusal:
            if not scope.excuses(refusal):
                self._found(node, refusal)
            return
        self.references[id(node)] = reference
        self._read(reference)

    def _read(self, reference: Reference) -> None:
        for source in reference.sources:
            column = source.column(reference.output.name)
            origin = column.origin if column is not None else None
            if origin is not None and source.kind == "table":
                self.columns.add(UsedColumn(*origin))
