"""The canonical form of a graph and its hash: RDF Dataset Canonicalization (RDFC-1.0, W3C Recommendation 2024)."""
