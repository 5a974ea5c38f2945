"""Clients of services on this machine. Each of httpx reads all certificate authorities anew, which takes 20 ms; a test
that asks again and again until a service answers spent most of its time on that."""

import ssl
from typing import Any

import httpx

NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(url: str = "", **options: Any) -> httpx.AsyncClient:
    """A client of the service at the address, with further options of httpx."""
    return httpx.AsyncClient(base_url=url, verify=NO_AUTHORITIES, trust_env=False, **options)


def blocking(url: str = "", **options: Any) -> httpx.Client:
    """The same for code that has no event loop."""
    return httpx.Client(base_url=url, verify=NO_AUTHORITIES, trust_env=False, **options)
