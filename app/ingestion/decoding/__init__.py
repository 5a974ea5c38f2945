"""Bytes of a body become typed rows: the formats. What a row is, they ask `app/ingestion/rows/`."""
