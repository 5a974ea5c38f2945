"""Seals: signed Merkle roots over entries, each naming the one before."""
