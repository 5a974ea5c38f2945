"""The door: pure ASGI layers around requests, in the order of `table.ORDER`; they know no domain but the modes."""
