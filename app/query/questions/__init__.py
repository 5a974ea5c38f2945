"""Questions in words: what the engine is told, and what is answered when it refuses."""
