"""State directories for tests that start a PostgreSQL of their own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_home() -> Iterator[Path]:
    """A directory which every account can reach: as root, PostgreSQL runs as another one (pytest's own is closed)."""
    directory = Path(tempfile.mkdtemp(prefix="spyne-test-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
