"""Adoption of relations that exist already, outside of Spyne's schemas."""

from tests.operations_catalogue.operation import REASON, Operation, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop


async def relation(world: Workshop) -> str:
    """The name of a fresh relation in the schema `public`."""
    name = world.name("legacy")
    await world.owner.execute(
        f"CREATE TABLE public.{name} (id int PRIMARY KEY); GRANT SELECT ON public.{name} TO spyne_app"
    )
    return name


async def _adoption(setting: Setting) -> Prepared:
    found = f"public.{await setting.kept('relation', lambda: relation(setting.world))}"
    names = {found: setting.world.name("adopted")}
    return Prepared(more={"json": REASON | {"relations": [found], "names": names}})


OPERATIONS = (Operation("adopt_tables", "POST", "/api/tables/adopt", _adoption),)
