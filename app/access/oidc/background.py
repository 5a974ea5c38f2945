"""The provider's place in a process: there while the API runs, if one is configured."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.access.oidc.provider import OidcProvider, ProviderInForce
from app.access.roles import unknown_roles
from app.kernel.runtime.background import BackgroundTask
from app.kernel.runtime.resources import Resources
from app.settings import OidcSettings


class OidcSettingsError(ValueError):
    """The configuration of the identity provider cannot be used; the message says why."""


def require_known_roles(settings: OidcSettings) -> None:
    """Return when every role that the configuration names exists. Raises `OidcSettingsError`."""
    mapped = {role for roles in settings.role_mapping.values() for role in roles}
    unknown = unknown_roles(frozenset(settings.default_roles) | mapped)
    if unknown:
        raise OidcSettingsError(f"OIDC_ROLE_MAPPING or OIDC_DEFAULT_ROLES names roles that do not exist: {unknown}.")


@asynccontextmanager
async def _holding(resources: Resources) -> AsyncIterator[None]:
    if resources.settings.oidc.issuer is None:
        yield
        return
    in_force = resources.extensions.of(ProviderInForce)
    async with OidcProvider(resources.settings.oidc) as in_force.current:
        yield
    in_force.current = None


BACKGROUND = (BackgroundTask("oidc", _holding, in_api=True),)
