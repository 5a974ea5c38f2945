"""Rows of PostgreSQL as Arrow and Parquet: one table of types and one writer, for answers and for exports."""
