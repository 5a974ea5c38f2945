"""Headers of answers that nobody keeps."""

from typing import Final

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""For answers that show a secret (RFC 6749 section 5.1)."""
