"""What a signing key can be made for: a choice on the command line, known before any command runs."""

from enum import StrEnum


class KeyAlgorithm(StrEnum):
    """What a key can be made for."""

    ES256 = "ES256"
    RS256 = "RS256"
