"""Why an operation is open to a caller, or what stands against it."""
