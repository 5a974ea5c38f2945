"""Questions in English as SQL: deterministic, offline, explained. `engine.interpret` is the way in."""
