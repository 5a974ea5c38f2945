"""What is known while a question is parsed: the schema, what was read so far, and what a mark can be the subject of."""
