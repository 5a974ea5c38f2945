"""`POST /api/tables/adopt`: relations that exist already become tables."""

from typing import Annotated

from fastapi import APIRouter

from app.catalog.adoption.schemas import AdoptionReport, AdoptRequest, adoption_report
from app.catalog.adoption.service import AdoptionService, TooManyRelations
from app.catalog.permissions import CanAdopt
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import writes
from app.kernel.problems import InvalidRequest, responses

router = APIRouter(prefix="/api/tables", tags=["tables"], route_class=TransactionalRoute)


AdoptionsDep = Annotated[AdoptionService, writes(AdoptionService)]


@router.post("/adopt", operation_id="adopt_tables", responses=responses(TooManyRelations, InvalidRequest))
async def adopt_tables(wanted: AdoptRequest, actor: CanAdopt, adoptions: AdoptionsDep) -> AdoptionReport:
    """Take relations that exist already as READ_ONLY tables; they themselves are not touched."""
    report = await adoptions.adopt(wanted.patterns, wanted.names, wanted.reason, actor, dry_run=wanted.dry_run)
    return adoption_report(report, dry_run=wanted.dry_run)
