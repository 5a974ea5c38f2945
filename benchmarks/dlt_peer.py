"""The peer of `benchmarks/ingest.py`: dlt merging the same NDJSON by key. Runs in a virtual environment of its own.

usage: dlt_peer.py FILE...      prints the seconds of each file's merge, one per line; PEER_DSN says where
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt  # type: ignore[import-not-found]  # installed in the peer's environment alone


def rows(path: str) -> Iterator[Any]:
    """The rows of a file."""
    with Path(path).open("rb") as file:
        for line in file:
            yield json.loads(line)


def main() -> None:
    """Merge each file after the other."""
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    destination = dlt.destinations.postgres(os.environ["PEER_DSN"])
    pipeline = dlt.pipeline("peer", destination=destination, dataset_name="dlt_peer")
    for path in sys.argv[1:]:
        resource = dlt.resource(rows(path), name="rows", primary_key="id", write_disposition="merge")
        begin = time.perf_counter()
        pipeline.run(resource)
        print(f"{time.perf_counter() - begin:.3f}", flush=True)


if __name__ == "__main__":
    main()
