"""Tables and their lifecycle, as the registry knows the domain."""

from app.catalog.models import TableSchemaVersionRow, TableStateChangeRow, TableVersionRow
from app.catalog.tables.actions import TableAction
from app.catalog.tables.contributions import TILES
from app.catalog.tables.events import EVENT_KINDS
from app.catalog.tables.exporting import TableSource
from app.catalog.tables.router import router
from app.kernel.domains.domain import Domain

DOMAIN = Domain(
    name="tables",
    routers=(router,),
    models=(TableVersionRow, TableSchemaVersionRow, TableStateChangeRow),
    actions=(TableAction,),
    tiles=TILES,
    event_kinds=EVENT_KINDS,
    export_sources=(TableSource(),),
)
