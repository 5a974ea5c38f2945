"""RDF specifications: reading, canonical hash, differences, shapes and queries, in a process of their own.

`work.py` is the way in. RDF libraries are imported by `process.py` and what stands below it, never by the service:
docs/decisions/0050.
"""
