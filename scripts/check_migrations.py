#!/usr/bin/env python3
"""Builds a database by the migrations alone, finds any difference from the models, and walks down and up again."""

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.util.exc import CommandError

from app.kernel.db import migrations
from app.kernel.embedded import EmbeddedServer
from app.kernel.security.secrets import ServiceSecret
from app.settings import DatabaseSettings

SECRET = ServiceSecret(b"a secret for the check of migrations only")


def main() -> int:
    """0 when models and migrations agree."""
    with tempfile.TemporaryDirectory(prefix="spyne-migrations-") as folder:
        settings = {"fsync": "off", "shared_buffers": "64MB"}
        with EmbeddedServer(Path(folder) / "postgres", password="owner-of-the-check", settings=settings) as address:
            url = address.url("postgres")
            asyncio.run(migrations.prepare(url, DatabaseSettings(), SECRET))
            migrations.upgrade(url)
            try:
                migrations.check(url)
            except CommandError as error:
                print(f"Models and migrations differ: {error}")
                return 1
            command.downgrade(migrations.configuration(url), "base")
            migrations.upgrade(url)
    print(f"Migrations and models agree at {migrations.head()}; down to base and up again works.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
