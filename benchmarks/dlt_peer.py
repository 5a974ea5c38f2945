"""The peer of `benchmarks/ingest.py`: dlt merging the same NDJSON by key. Runs in a virtual environment of its own.

usage: dlt_peer.py FILE...      prints the seconds of each file's merge, one per line
"""

import json
import os
import sys
import time
from pathlib import Path

import dlt  # type: ignore[import-not-found]  # installed in the peer's environment alone


def main() -> None:
    """Merge each file after the other."""
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    destination = dlt.destinations.postgres(os.environ["PEER_DSN"])
    pipeline = dlt.pipeline("peer", destination=destination, dataset_name="dlt_peer")

    for path in sys.argv[1:]:

        def lines(path: str = path) -> object:
            with Path(path).open("rb") as file:
                for line in file:
                    yield json.loads(line)

        resource = dlt.resource(lines, name="rows", primary_key="id", write_disposition="merge")
        begin = time.perf_counter()
        pipeline.run(resource)
        print(f"{time.perf_counter() - begin:.3f}", flush=True)


if __name__ == "__main__":
    main()
