"""Values that are decided while the service runs, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.configuration.actions import ConfigurationAction
from app.operations.configuration.keys import CONFIG_KEYS
from app.operations.configuration.models import ConfigurationVersion
from app.operations.configuration.reload import WATCHED
from app.operations.configuration.router import router

DOMAIN = Domain(
    name="configuration",
    routers=(router,),
    models=(ConfigurationVersion,),
    actions=(ConfigurationAction,),
    config_keys=CONFIG_KEYS,
    watched=WATCHED,
)
