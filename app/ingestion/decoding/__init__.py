"""Bytes of a body become typed rows: formats, the row model of a contract, its checks and values."""
