"""The one rule for which names are those of secrets: log fields, assignments within texts, audited fields. Pure.

A name is split into words (`clientSecret`, `client-secret`, `CLIENT_SECRET`: client, secret) and the words decide, so
that `token` is a secret's name and `tokenizer` is not. Too much hidden is a nuisance, too little is a leak: when in
doubt a name is a secret's. What hides the values: `app/kernel/redaction.py` (logs), `app/audit/log/diffs.py` (audit).
"""

import re
from functools import lru_cache
from typing import Final

MAX_REMEMBERED: Final = 128
"""Characters of a name whose judgement is kept; longer ones, which no field of ours has, are judged every time."""

_WORD: Final = re.compile(r"[A-Z]{2,}s(?![A-Za-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LETTERS: Final = re.compile(r"[A-Za-z]+")

_SECRETS: Final = frozenset(
    {"authorization", "bearer", "cookie", "credential", "cred", "dsn", "jwt", "otp", "passcode", "pwd"}
)
"""Words that name a secret, also in the plural."""
_PARTS: Final = ("password", "passwd", "passphrase")
"""A word that holds one of these names a secret: `pgpassword`."""
_ENDINGS: Final = ("secret", "token", "cookie", "credential", "passcode")
"""A word that ends in one of these names a secret: `clientsecret`, `authtoken`; not `secretary` or `tokenizer`."""
_GLUED: Final = (
    "accesskey", "apikey", "connectionstring", "encryptionkey", "privatekey", "secretkey", "signingkey",
)  # fmt: skip
"""Pairs that are written as one word."""
_PAIRS: Final = frozenset(
    {
        *((kind, "key") for kind in ("access", "api", "decryption", "encryption", "hmac", "master", "private")),
        *((kind, "key") for kind in ("shared", "signing", "ssh", "symmetric")),
        ("connection", "string"),
    }
)
"""Neighbours that name a secret together; `key` alone is a column, a flag or a setting."""
_HARMLESS: Final = frozenset({("token", "type"), ("token", "count"), ("token", "limit"), ("credential", "id")})
"""Neighbours that say something about a secret which anybody may know."""
_COUNTS: Final = frozenset(
    {"budget", "completion", "count", "input", "limit", "max", "min", "output", "prompt", "remaining", "total", "used"}
)
"""Words beside which `tokens` are counted and not shown: `max_tokens`, `tokens_used`."""


def is_secret_name(name: str) -> bool:
    """Whether a field, header or setting of this name holds a secret.

    The id of a key is public (`signing_key_id`, `kid`), save that of an access key: it is half of a credential.
    """
    return _remembered(name) if len(name) <= MAX_REMEMBERED else _judged(name)


def _judged(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    around = ["", *words, "", ""]
    for at, word in enumerate(words, 1):
        before, following, third = around[at - 1], around[at + 1], around[at + 2]
        if _names_secret(word, words) and (word, following) not in _HARMLESS:
            return True
        public = before == "public" or (third == "id" and word != "access")
        if (word, following.removesuffix("s")) in _PAIRS and not public:
            return True
    # Header names have any case: in PaSsWoRd the letters decide, not where the upper case ones stand.
    runs = {letters.lower() for letters in _LETTERS.findall(name)}
    return any(map(_is_plain, runs.difference(words)))


_remembered: Final = lru_cache(maxsize=2048)(_judged)


def _names_secret(word: str, words: list[str]) -> bool:
    if word.endswith("tokens"):
        return _COUNTS.isdisjoint(words) and not word.startswith(tuple(_COUNTS))
    single = word.removesuffix("s")
    return single in _SECRETS or _is_plain(single) or single.endswith(_GLUED)


def _is_plain(word: str) -> bool:
    return word.endswith(_ENDINGS) or any(part in word for part in _PARTS)
