"""What every plane stands on. The kernel knows no domain."""
