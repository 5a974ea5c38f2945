"""The runtime roles as migrations name them. The role names are settings; a migration runs where they already exist."""

from alembic import op

from app.settings import DatabaseSettings

_settings_names = DatabaseSettings.model_fields
APP_ROLE: str = _settings_names["app_role"].default
QUERY_ROLE: str = _settings_names["query_role"].default


def grant(table: str, privileges: str, *, role: str = APP_ROLE) -> None:
    """Grant privileges on a control table to the runtime role: the least that its repository needs."""
    op.execute(f"GRANT {privileges} ON spyne.{table} TO {role}")
