"""What PostgreSQL keeps instead of a password, so that the password itself stands in no statement, file or log.

SCRAM-SHA-256: RFC 5802 section 3 (the keys), RFC 7677 (SHA-256); PostgreSQL stores RFC 5803's form of it.
"""

import base64
import hashlib
import hmac
import secrets
import stringprep
import unicodedata
from typing import Final

ITERATIONS: Final = 4096
"""PostgreSQL's default (`scram_iterations`), and the least that RFC 7677 section 4 allows. Our passwords hold 256
random bits: more rounds would only make logging in slower."""
SALT_BYTES: Final = 16
"""As PostgreSQL's own (`SCRAM_DEFAULT_SALT_LEN`)."""


def verifier(password: str, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """`SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`, which PostgreSQL takes in place of the password.

    Args:
        password: one line that SASLprep (RFC 4013) leaves as it is, such as printable ASCII.
        salt: random bytes of ours when absent.
        iterations: rounds of PBKDF2.

    Raises `ValueError`: the password is empty, or SASLprep would change it.
    """
    if not password or not _is_prepared(password):
        raise ValueError("a login's password is one line of printable characters in their normal form (NFKC)")
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _is_prepared(password: str) -> bool:
    """Whether SASLprep changes nothing; what it refuses (a mix of directions) counts as it is, for PostgreSQL too."""
    vanishing = any(stringprep.in_table_b1(character) for character in password)
    return password.isprintable() and not vanishing and unicodedata.normalize("NFKC", password) == password


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
