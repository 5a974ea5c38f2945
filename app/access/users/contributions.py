"""Contributions of users to other planes: the export of people and their roles."""

from typing import ClassVar

from app.access.users.repository import people_without_secrets
from app.kernel.ports.export_formats import Format
from app.kernel.ports.exports import FilterParams, Source, Statement, Subject, control_statement
from app.kernel.security.authorization import Permission


class UsersSource(Source[FilterParams]):
    """People and their roles, without anything that logs in."""

    name: ClassVar[str] = "users"
    permission: ClassVar[Permission] = Permission.USERS_ADMIN

    async def content(self, subject: Subject, file_format: Format) -> Statement:  # noqa: ARG002 - of the protocol
        """The statement."""
        return control_statement(people_without_secrets())
