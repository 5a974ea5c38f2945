"""What the audit log calls changes of knowledge."""

from enum import StrEnum
from typing import Final

ENTITY: Final = "knowledge-document"
"""What the actions are done to."""


class KnowledgeAction(StrEnum):
    """Subject and action."""

    UPLOADED = "knowledge-document:create"
    CHANGED = "knowledge-document:update"
    DEACTIVATED = "knowledge-document:deactivate"
    ACTIVATED = "knowledge-document:activate"
