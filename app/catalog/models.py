"""Every control table of the catalog."""

from app.catalog.contracts.models import ContractRow, ContractSchemaRow
from app.catalog.tables.models import TableRow, TableStateChangeRow, TableVersionRow

__all__ = ["ContractRow", "ContractSchemaRow", "TableRow", "TableStateChangeRow", "TableVersionRow"]
