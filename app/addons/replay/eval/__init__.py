"""Splunk's eval expressions: a documented subset, parsed once and evaluated for each event."""
