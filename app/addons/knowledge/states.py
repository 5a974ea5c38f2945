"""Names that several modules of knowledge share."""

from typing import Final

EMBED_JOB: Final = "knowledge:embed"
TIDY_JOB: Final = "knowledge:tidy"
PREFIX: Final = "knowledge/"
"""Of the keys of stored files."""
