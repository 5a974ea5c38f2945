"""Embeddings of passages: the model that makes them, and where they are kept and compared. Off unless there is one."""
