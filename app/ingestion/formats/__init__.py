"""Streaming readers of batch bodies: each turns pieces of bytes into chunks of accepted and refused rows."""
