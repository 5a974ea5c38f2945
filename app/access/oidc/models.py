"""Log-ins at the provider that came back: none is taken twice."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base


class EndedLogin(Base):
    """An attempt whose browser came back from the provider, kept until its cookie is of no use by itself."""

    __tablename__ = "oidc_ended_logins"
    __table_args__ = (Index(None, "expires_at"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, comment="SHA-256 of the state")
    expires_at: Mapped[datetime] = mapped_column(comment="The row is of no use after it")
