"""Edge protection: policy, rate limits, blocks, events with the responses to them, honeypots."""
