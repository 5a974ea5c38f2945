"""Changes of what is stored that are planned first: rollback, replay, replay of refused rows, backfill."""
