"""The replay: does to a sample what Splunk would do with a package's files, in Splunk's order. Knows no generator."""
