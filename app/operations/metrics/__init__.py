"""`GET /metrics`, the gauges that a running process fills, and samples of metrics."""
