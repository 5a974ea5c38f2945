"""The vocabulary: what the engine knows when it reads a question, and the terms that stand for more words."""
