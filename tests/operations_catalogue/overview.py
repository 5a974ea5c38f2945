"""What only shows: health, metrics, deployment and the dashboard."""

from tests.operations_catalogue.operation import Operation

OPERATIONS = (
    Operation("health", "GET", "/health"),
    Operation("health_live", "GET", "/health/live"),
    Operation("health_ready", "GET", "/health/ready"),
    Operation("get_metrics", "GET", "/metrics"),
    Operation("get_deployment", "GET", "/system/deployment"),
    Operation("list_routes", "GET", "/system/routes"),
    Operation("get_dashboard", "GET", "/system/dashboard"),
)
