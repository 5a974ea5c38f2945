"""Whose credential it is: `user:<uuid>` or `client:<uuid>`, the form in tokens, caches and revocations."""

from uuid import UUID

from app.kernel.security.authorization import ActorKind

_KIND_OF = {"user": ActorKind.USER, "client": ActorKind.CLIENT}
_LENGTH_OF_UUID = 36


def user_subject(user_id: UUID) -> str:
    """The subject of a person."""
    return f"user:{user_id}"


def client_subject(client_id: UUID) -> str:
    """The subject of a service client."""
    return f"client:{client_id}"


def parse_subject(subject: str) -> tuple[ActorKind, UUID]:
    """Kind and id. Raises ValueError for every other text, also for other spellings of the same id."""
    prefix, _, rest = subject.partition(":")
    if prefix not in _KIND_OF or len(rest) != _LENGTH_OF_UUID:
        raise ValueError("not a subject")
    id_ = UUID(rest)
    if str(id_) != rest:
        raise ValueError("not a subject")
    return _KIND_OF[prefix], id_
