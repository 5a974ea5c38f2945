"""Every route of the catalog."""

from fastapi import APIRouter

from app.catalog.contracts.router import router as contracts
from app.catalog.tables.router import router as tables

router = APIRouter()
router.include_router(tables)
router.include_router(contracts)
