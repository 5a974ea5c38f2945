"""Refused rows: how many a body may bring, how many are kept, how they are found and marked as dealt with."""
