"""The paths of load balancers: served when the service is full, and not worth a line or a span each."""

from typing import Final

HEALTH_PATHS: Final = frozenset({"/health", "/health/live", "/health/ready"})
