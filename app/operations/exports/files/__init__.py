"""Files of exports: rows on their way out of PostgreSQL into bytes, and ranges of those bytes. Knows no export."""
