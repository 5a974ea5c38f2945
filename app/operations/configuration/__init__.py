"""Configuration that is changed while the service runs: a catalogue of typed keys, versions, history."""
