"""Faults of a request that several rules find: the caller learns all of them at once."""

from collections.abc import Callable

from app.kernel.problems import Fault, InvalidRequest


def check_all(*checks: Callable[[], object]) -> None:
    """Return when no check raises. Raises the one `InvalidRequest`, or one with the faults of them all."""
    found: list[InvalidRequest] = []
    for check in checks:
        try:
            check()
        except InvalidRequest as refused:
            found.append(refused)
    if len(found) == 1:
        raise found[0]
    if found:
        raise InvalidRequest(faults=[fault for refused in found for fault in refused.faults])


def faulty(pointer: str, code: str, message: str) -> InvalidRequest:
    """A refusal for one fault."""
    return InvalidRequest(message, faults=[Fault(pointer=pointer, code=code, message=message)])
