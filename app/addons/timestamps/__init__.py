"""Times in events: what Splunk's TIME_FORMAT reads, what Splunk recognises by itself, and what fits a sample."""
