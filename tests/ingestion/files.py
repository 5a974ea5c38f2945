"""Files for tests of ingestion, written by the libraries that senders use."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def parquet_file(table: pa.Table, **options: Any) -> bytes:
    """The table as a Parquet file."""
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()
