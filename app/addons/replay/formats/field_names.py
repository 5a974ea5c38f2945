"""How Splunk cleans the names of fields."""

import re
from functools import lru_cache

_NOT_ALPHANUMERIC = re.compile(r"[^a-zA-Z0-9]")
_KEPT = 10_000


@lru_cache(maxsize=_KEPT)
def cleaned_name(name: str) -> str:
    """The field's name with other than ASCII letters and digits as `_`, without leading `_` and digits.

    transforms.conf.spec, CLEAN_KEYS: the rule for all names that are extracted when an event is read.
    """
    return _NOT_ALPHANUMERIC.sub("_", name).lstrip("_0123456789")
