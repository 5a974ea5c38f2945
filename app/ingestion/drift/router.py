"""`POST /api/contracts/{id}/drift`: compare a schema, rows or the relation with what a contract says.

The route stands in ingestion, since rows are read as those of a batch are.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.catalog.contracts.service import ContractNotFound, SchemaVersionNotFound
from app.catalog.drift_reports.answers import COMPARED
from app.catalog.drift_reports.schemas import DriftReportDocument
from app.catalog.permissions import CanRegister
from app.catalog.tables.references import TableNotFound
from app.ingestion.drift.comparing import DriftComparing, InvalidComparison
from app.ingestion.drift.schemas import CompareRequest
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import writes
from app.kernel.problems import responses

router = APIRouter(prefix="/api/contracts", tags=["drift"], route_class=TransactionalRoute)

ComparingDep = Annotated[DriftComparing, writes(DriftComparing)]


@router.post(
    "/{contract_id}/drift",
    operation_id="compare_with_contract",
    status_code=200,
    responses=COMPARED | responses(ContractNotFound, TableNotFound, SchemaVersionNotFound, InvalidComparison),
)
async def compare_with_contract(
    contract_id: Annotated[
        str,
        Path(
            max_length=128,
            description="`<table>_v<version>`; or name or id of a table, whose relation can be compared.",
            examples=["customers_v1"],
        ),
    ],
    wanted: CompareRequest,
    actor: CanRegister,
    comparing: ComparingDep,
    response: Response,
    dry_run: Annotated[bool, Query(description="Only look: no report is kept.")] = False,
) -> DriftReportDocument:
    """What differs from the contract, change by change, with verdicts. A report is kept of it, once."""
    report = await comparing.compare(contract_id, wanted, actor, dry_run=dry_run)
    if report.id is not None:
        response.headers["Location"] = f"/api/drift/{report.id}"
    return report
