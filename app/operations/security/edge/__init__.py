"""The edge as a process keeps it in memory: blocks, counts, limits and decoys."""
