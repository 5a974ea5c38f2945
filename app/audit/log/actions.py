"""The vocabulary of the audit log: actions are `subject:action`, from each domain's enum; verbs are a facet."""

import re
from enum import StrEnum

ACTION_PATTERN = r"^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$"
_ACTION = re.compile(ACTION_PATTERN)


class Verb(StrEnum):
    """What kind of thing an action does, across all domains."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    DOWNLOAD = "DOWNLOAD"
    UPLOAD = "UPLOAD"
    LOGIN = "LOGIN"
    LOGOUT = "LOGOUT"


class Outcome(StrEnum):
    """How it ended."""

    SUCCESS = "success"
    FAILURE = "failure"


_VERBS = {
    Verb.CREATE: ("create", "register", "issue", "adopt", "add", "import", "open", "preview"),
    Verb.DELETE: ("delete", "remove", "revoke", "purge", "drop"),
    Verb.APPROVE: ("approve", "accept"),
    Verb.REJECT: ("reject", "refuse"),
    Verb.DOWNLOAD: ("download", "export", "read", "execute"),
    Verb.UPLOAD: ("upload", "ingest"),
    Verb.LOGIN: ("login",),
    Verb.LOGOUT: ("logout",),
}
_VERB_OF = {word: verb for verb, words in _VERBS.items() for word in words}


def verb_of(action: str) -> Verb:
    """The verb of an action by its last word; UPDATE for every word that is not another verb's.

    Raises:
        ValueError: the action is not of the form `subject:action`.
    """
    if _ACTION.match(action) is None:
        raise ValueError(f"{action!r} is not of the form subject:action")
    return _VERB_OF.get(action.partition(":")[2], Verb.UPDATE)
