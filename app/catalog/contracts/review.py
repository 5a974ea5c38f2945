"""Looks at a contract as it was sent, and answers what it says or everything that is wrong with it at once. Pure.

The shape is judged by the request model; the meaning is judged here on whatever parts have the right shape, so that one
fault never hides another.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from app.catalog.contracts.column_words import ColumnWords
from app.catalog.contracts.columns import (
    MAX_COLUMNS,
    SEMANTICS,
    ColumnsReview,
    Mentions,
    placement_faults,
    source_faults,
)
from app.catalog.contracts.definition import ChangePolicy, ContractDefinition, Policy, Semantics, completed
from app.catalog.contracts.durations import InvalidDurationError, parse_duration
from app.catalog.contracts.schemas import RegisterRequest
from app.catalog.contracts.words import shape_message
from app.catalog.names import column_name_fault, table_name_fault
from app.kernel.problems import MAX_FAULTS, Fault, InvalidRequest, pointer_within
from app.warehouse.plan import Column, Mode, Resolution

MAX_ENDPOINT_LENGTH = 256
MAX_KEY_COLUMNS = 16
"""PostgreSQL's indexes take 32 columns; the append mode adds the event time, and nobody needs more."""

_ENDPOINT = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
"""Plain segments (RFC 3986 unreserved), none of them hidden, empty or a step upwards."""


class InvalidContract(InvalidRequest):
    """The contract has faults; each is listed with its place."""

    code, title = "invalid-contract", "The contract has faults"


def review(document: Any) -> ContractDefinition:
    """What the contract says, its columns completed.

    Args:
        document: the body of the request as JSON gave it.

    Raises:
        InvalidContract: listing every fault.
    """
    if not isinstance(document, dict):
        message = 'A contract is a JSON object: {"endpoint": "/api/v1/customers", "table_name": "customers", …}.'
        raise InvalidContract(faults=[Fault(pointer="", code="not-an-object", message=message)])
    columns = ColumnsReview(document.get("schema"))
    faults = [*_shape_faults(document), *_name_faults(document)]
    semantics = document.get("ingestion_semantics")
    mentions = Mentions(semantics if isinstance(semantics, dict) else {})
    window = None
    if isinstance(semantics, dict):
        window = _window(semantics.get("dedupe_window"), faults)
        faults += _semantics_faults(semantics)
        faults += placement_faults(mentions, columns.named, complete=columns.complete)
    faults += [*columns.faults, *source_faults(columns.places, mentions)]
    if faults or window is None:
        raise InvalidContract(faults=_first_of_each_place(faults))
    return _definition(RegisterRequest.model_validate(document), columns, window)


def _definition(request: RegisterRequest, columns: ColumnsReview, window: timedelta) -> ContractDefinition:
    named = request.ingestion_semantics
    semantics = Semantics(
        mode=Mode(named.mode),
        idempotency_key=tuple(named.idempotency_key),
        event_time_column=named.event_time_column,
        processing_time_column=named.processing_time_column,
        dedupe_window=window,
        conflict_resolution=Resolution(named.conflict_resolution),
        dedupe_window_text=named.dedupe_window,
    )
    limit = request.max_rejected
    return ContractDefinition(
        endpoint=request.endpoint,
        table_name=request.table_name,
        semantics=semantics,
        policy=Policy(
            unknown_columns=ChangePolicy(request.unknown_columns),
            type_changes=ChangePolicy(request.type_changes),
            max_rejected_rows=limit.rows if limit else None,
            max_rejected_share=limit.share if limit else None,
        ),
        columns=completed(semantics, columns.columns) if request.schema_ is not None else None,
        description=request.description,
        words=_words(request),
    )


def _words(request: RegisterRequest) -> dict[str, ColumnWords]:
    columns = request.schema_.columns if request.schema_ is not None else []
    found = {each.name: ColumnWords(each.description, tuple(each.labels), each.sensitivity) for each in columns}
    return {name: words for name, words in found.items() if words != ColumnWords()}


def review_columns(semantics: Semantics, columns: Sequence[Column]) -> None:
    """Return when these can be the columns of a contract whose first batch has come in.

    Raises:
        InvalidContract: listing what is wrong; pointers lead into the columns, or into the contract's semantics.
    """
    faults: list[Fault] = []
    if not 1 <= len(columns) <= MAX_COLUMNS:
        message = f"A schema has 1 to {MAX_COLUMNS} columns."
        faults.append(Fault(pointer="/schema/columns", code="invalid-columns", message=message))
    seen: set[str] = set()
    for index, column in enumerate(columns):
        pointer = f"/schema/columns/{index}/name"
        wrong = column_name_fault(column.name)
        if wrong:
            faults.append(Fault(pointer=pointer, code="invalid-column-name", message=wrong))
        if column.name in seen:
            message = "Another column has this name already."
            faults.append(Fault(pointer=pointer, code="duplicate-column", message=message))
        seen.add(column.name)
    faults += placement_faults(
        Mentions(semantics.document()), {column.name: column.type for column in columns}, complete=True
    )
    if faults:
        raise InvalidContract(faults=faults)


def _shape_faults(document: dict[str, Any]) -> list[Fault]:
    try:
        RegisterRequest.model_validate(document)
    except ValidationError as error:
        return [
            Fault(
                pointer=pointer_within(item["loc"], document),
                code=str(item["type"]).replace("_", "-"),
                message=shape_message(item),
            )
            for item in error.errors(include_url=False, include_context=False, include_input=False)[: MAX_FAULTS + 1]
        ]
    return []


def _name_faults(document: Mapping[str, Any]) -> list[Fault]:
    faults: list[Fault] = []
    table = document.get("table_name")
    wrong = table_name_fault(table) if isinstance(table, str) else None
    if wrong:
        faults.append(Fault(pointer="/table_name", code="invalid-table-name", message=wrong))
    endpoint = document.get("endpoint")
    if isinstance(endpoint, str) and (len(endpoint) > MAX_ENDPOINT_LENGTH or not _ENDPOINT.fullmatch(endpoint)):
        message = f"An endpoint is a path like /api/v1/customers, of at most {MAX_ENDPOINT_LENGTH} characters."
        faults.append(Fault(pointer="/endpoint", code="invalid-endpoint", message=message))
    return faults


def _window(text: Any, faults: list[Fault]) -> timedelta | None:
    if not isinstance(text, str):
        return None
    try:
        return parse_duration(text)
    except InvalidDurationError as error:
        faults.append(Fault(pointer=f"{SEMANTICS}/dedupe_window", code="invalid-duration", message=str(error)))
        return None


def _semantics_faults(semantics: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with the names that the semantics use, whatever the columns are."""
    named = Mentions(semantics)
    faults: list[Fault] = []
    key = semantics.get("idempotency_key")
    if isinstance(key, list) and not 1 <= len(key) <= MAX_KEY_COLUMNS:
        message = f"The idempotency key has 1 to {MAX_KEY_COLUMNS} columns."
        faults.append(Fault(pointer=f"{SEMANTICS}/idempotency_key", code="invalid-key", message=message))
    seen: set[str] = set()
    for pointer, name in named.key:
        if name in seen:
            faults.append(Fault(pointer=pointer, code="duplicate-column", message="The key names it twice."))
        seen.add(name)
    for pointer, name in (each for each in (*named.key, named.event_time, named.processing_time) if each is not None):
        wrong = column_name_fault(name)
        if wrong:
            faults.append(Fault(pointer=pointer, code="invalid-column-name", message=wrong))
    if named.processing_time:
        pointer, name = named.processing_time
        if name in seen or (named.event_time and name == named.event_time[1]):
            message = "Spyne sets the processing time: it is neither the event time nor part of the key."
            faults.append(Fault(pointer=pointer, code="processing-time-in-use", message=message))
    return faults


def _first_of_each_place(faults: Iterable[Fault]) -> list[Fault]:
    """The faults, one per place and code."""
    return list({(fault.pointer, fault.code): fault for fault in faults}.values())
