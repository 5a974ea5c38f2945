"""Names of users and clients: one form in which they are kept and compared."""

import re
import unicodedata

from app.kernel.problems import Conflict, Fault, InvalidRequest

NAME_PATTERN = r"^[a-z0-9][a-z0-9._@+-]{0,63}$"
_NAME = re.compile(NAME_PATTERN)


class NameTaken(Conflict):
    """There is a user or client of this name already."""

    code, title = "name-taken", "The name is taken"


class InvalidName(InvalidRequest):
    """The name is not one that users and clients may have."""

    code, title = "invalid-name", "The name is not valid"

    def __init__(self, pointer: str) -> None:
        message = "Use 1 to 64 of a-z, 0-9, '.', '_', '@', '+' and '-', beginning with a letter or digit."
        super().__init__(message, faults=[Fault(pointer=pointer, code=self.code, message=message)])


def normalised_name(name: str) -> str:
    """The form in which names are kept and compared: NFKC, case folded, without space around."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def checked_name(name: str, pointer: str) -> str:
    """The name in its form. Raises `InvalidName` with the pointer."""
    normalised = normalised_name(name)
    if _NAME.fullmatch(normalised) is None:
        raise InvalidName(pointer)
    return normalised
