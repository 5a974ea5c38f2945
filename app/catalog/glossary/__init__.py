"""The glossary: what people call things, and what they mean by it."""
