"""`system_config`: what is decided about the service, and the views of it that processes keep."""
