"""The folder of a test run, where every temporary file and PostgreSQL server of the run stands; in memory if it fits.

A run makes and drops some eight hundred databases of hundreds of files each. On ext4 half of the run's processor time
went into finding free inodes for them (`recently_deleted`, seen with perf: an inode is not used again for seconds after
it was deleted, and each search passes all such). A file system in memory has no such search.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import psutil

IN_MEMORY = Path("/dev/shm")
NEEDED_BYTES = 4 * 2**30
"""What a run may need at its height, with room to spare; containers often give /dev/shm 64 MiB."""
PREFIX = "spyne-run-"


def enter() -> Path:
    """The folder of this run, made; processes started from here on keep their temporary files in it."""
    parent = IN_MEMORY if _has_room(IN_MEMORY) else Path(tempfile.gettempdir())
    _remove_left_behind(parent)
    folder = parent / f"{PREFIX}{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o755)  # PostgreSQL runs as another account when the tests run as root
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    return folder


def leave(folder: Path) -> None:
    """Remove the folder of this run."""
    shutil.rmtree(folder, ignore_errors=True)


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= NEEDED_BYTES


def _remove_left_behind(parent: Path) -> None:
    """Remove the folders of runs whose process is gone: they were killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(ValueError):
            if not psutil.pid_exists(int(folder.name.removeprefix(PREFIX))):
                leave(folder)
