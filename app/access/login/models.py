"""Failed log-ins, places known to be somebody's, and limits that the audit log has already."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Identified


class LoginAttempt(Identified, Base):
    """A failed log-in, kept as long as it may count towards a lock."""

    __tablename__ = "login_attempts"
    __table_args__ = (
        Index(None, "pair", "failed_at"),
        Index(None, "name", "failed_at"),
        Index(None, "address", "failed_at"),
        Index(None, "failed_at"),
    )

    pair: Mapped[bytes] = mapped_column(
        LargeBinary, comment="Keyed hash of name and address; names may be mistyped passwords"
    )
    name: Mapped[bytes] = mapped_column(LargeBinary, comment="Keyed hash of the name, which may be a mistyped password")
    address: Mapped[bytes] = mapped_column(LargeBinary, comment="Keyed hash of the address; of IPv6 its /64")
    failed_at: Mapped[datetime] = mapped_column(comment="When it failed")


class KnownPlace(Base):
    """A name and an address from which it has logged in before."""

    __tablename__ = "known_places"
    __table_args__ = (Index(None, "succeeded_at"),)

    pair: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, comment="Keyed hash of name and address")
    succeeded_at: Mapped[datetime] = mapped_column(comment="Last log-in of the name from there")


class LimitNote(Base):
    """A limit that stands in the audit log, where it is repeated after a while only."""

    __tablename__ = "limit_notes"
    __table_args__ = (Index(None, "until"),)

    key: Mapped[bytes] = mapped_column(
        LargeBinary, primary_key=True, comment="Keyed hash of the pair, name or address that is held up"
    )
    until: Mapped[datetime] = mapped_column(comment="No further audit row about it before then")
