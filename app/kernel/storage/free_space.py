"""How much room the state directory has."""

import shutil
from pathlib import Path


def disk_usage(home: Path) -> "shutil._ntuple_diskusage":
    """Bytes of the disk where the directory is, or will be: `total`, `used`, `free` for this account."""
    return shutil.disk_usage(next(place for place in (home, *home.parents) if place.exists()))
