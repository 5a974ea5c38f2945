"""Classes of bodies: what an event's own text is written in, and the settings that read it.

Each module answers `None` for texts of another class, else an Extraction that says which events it has understood.
"""
