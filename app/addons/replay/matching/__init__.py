"""Which event types and tags an event has: a documented subset of Splunk's search language."""
