"""Feature flags: administered over HTTP, evaluated in process through OpenFeature and for other services by OFREP."""
