"""Knowledge: documents about log sources and data models, read into passages that people search and generators cite."""
