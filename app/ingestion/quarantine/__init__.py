"""Refused rows: kept within bounds, looked for, marked as dealt with."""
