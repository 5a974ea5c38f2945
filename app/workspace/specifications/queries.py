"""SELECT and ASK over one graph, by rdflib. What a query may do is decided on its algebra, before anything runs."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from pyparsing import ParseBaseException
from rdflib.graph import Graph
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.evaluate import evalQuery
from rdflib.plugins.sparql.parser import parseQuery, parseUpdate
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.plugins.sparql.sparql import Query
from rdflib.term import BNode, Literal, URIRef

from app.workspace.specifications.deadline import DeadlinePassedError, deadline
from app.workspace.specifications.values.answers import QueryAnswer, Term
from app.workspace.specifications.values.limits import (
    MAX_ANSWER_CHARACTERS,
    MAX_QUERY_CHARACTERS,
    MAX_ROWS,
    QUERY_SECONDS,
)
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused, plain_text

_FORMS: Final = {"SelectQuery", "AskQuery"}
_ELSEWHERE: Final = {"ServiceGraphPattern": "SERVICE", "Graph": "GRAPH", "DatasetClause": "FROM"}
"""Parts of the algebra that read another graph, by what the query calls them."""


def answered(graph: Graph, text: str, seconds: float = QUERY_SECONDS) -> QueryAnswer:
    """The answer to a query over the graph.

    Raises `SpecificationRefused`: another form than SELECT and ASK, one that reads elsewhere, one that takes too long.
    """
    try:
        with deadline(seconds):
            return _answer(graph, _allowed(text))
    except DeadlinePassedError:
        sentence = f"The query takes longer than {seconds:g} seconds: ask for less, or more precisely."
        raise SpecificationRefused(RefusalCode.QUERY_TOO_LONG, sentence) from None


def _allowed(text: str) -> Query:
    if len(text) > MAX_QUERY_CHARACTERS:
        sentence = f"The query has more than {MAX_QUERY_CHARACTERS:,} characters."
        raise SpecificationRefused(RefusalCode.TOO_LARGE, sentence)
    if plain_text(text) != text:
        sentence = "The query has a NUL or half of a pair of surrogates: leave it out."
        raise SpecificationRefused(RefusalCode.FORBIDDEN_CHARACTER, sentence)
    query = _parsed(text)
    form = query.algebra.name
    if form not in _FORMS:
        sentence = f"The query is a {form.removesuffix('Query').upper()}: ask by SELECT or ASK."
        raise SpecificationRefused(RefusalCode.QUERY_FORM, sentence)
    for part in _parts(query.algebra):
        if part.name in _ELSEWHERE:
            sentence = (
                f"{_ELSEWHERE[part.name]} reads another graph: a query is answered over this specification alone."
            )
            raise SpecificationRefused(RefusalCode.QUERY_READS_ELSEWHERE, sentence)
    return query


def _parsed(text: str) -> Query:
    try:
        return translateQuery(parseQuery(text))
    except ParseBaseException as fault:
        if _is_update(text):
            sentence = "The text is an update: a specification is changed by its next version; ask by SELECT or ASK."
            raise SpecificationRefused(RefusalCode.QUERY_UPDATE, sentence) from None
        sentence = f"The text is not a query of SPARQL 1.1 (column {fault.column}): {fault.msg}"
        raise SpecificationRefused(RefusalCode.QUERY_SYNTAX, sentence, fault.lineno) from None
    except RecursionError:
        raise SpecificationRefused(RefusalCode.TOO_DEEP, "The query is nested too deeply.") from None
    except Exception as fault:  # prefixes that are not declared, variables out of scope: rdflib has a plain `Exception`
        raise SpecificationRefused(RefusalCode.QUERY_SYNTAX, f"The query has no meaning: {fault}") from fault


def _is_update(text: str) -> bool:
    try:
        parseUpdate(text)
    except (ParseBaseException, RecursionError):
        return False
    return True


def _parts(algebra: CompValue) -> Iterator[CompValue]:
    """Every part of the algebra, those in expressions (EXISTS) too."""
    waiting: list[Any] = [algebra]
    while waiting:
        part = waiting.pop()
        if isinstance(part, CompValue):
            yield part
            waiting += dict.values(part)
        elif isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list | tuple | set):
            waiting += part


def _answer(graph: Graph, query: Query) -> QueryAnswer:
    try:
        found = evalQuery(graph, query)
        if found["type_"] == "ASK":
            return QueryAnswer([], [], boolean=bool(found["askAnswer"]))
        variables = list(found["vars_"])
        rows = list(islice(found["bindings"], MAX_ROWS + 1))
    except RecursionError:
        raise SpecificationRefused(RefusalCode.TOO_DEEP, "The query is nested too deeply to be evaluated.") from None
    except MemoryError:
        raise
    except Exception as fault:  # an expression that rdflib cannot evaluate raises whatever it met
        sentence = f"The query cannot be evaluated: {type(fault).__name__}: {fault}"
        raise SpecificationRefused(RefusalCode.QUERY_FAILED, sentence) from fault
    if sum(len(str(term)) for row in rows for term in row.values()) > MAX_ANSWER_CHARACTERS:
        sentence = f"The answer has more than {MAX_ANSWER_CHARACTERS:,} characters: ask for less."
        raise SpecificationRefused(RefusalCode.ANSWER_TOO_LARGE, sentence)
    terms = [[_term(row.get(variable)) for variable in variables] for row in rows[:MAX_ROWS]]
    return QueryAnswer([str(each) for each in variables], terms, truncated=len(rows) > MAX_ROWS)


def _term(term: Any) -> Term | None:
    if term is None:
        return None
    value = plain_text(str(term))
    if isinstance(term, URIRef):
        return Term("uri", value)
    if isinstance(term, BNode):
        return Term("bnode", value)
    if isinstance(term, Literal):
        return Term("literal", value, str(term.datatype) if term.datatype else None, term.language)
    return Term("literal", value)
