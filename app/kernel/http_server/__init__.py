"""How requests arrive: whole, within a deadline, of a bounded size, over a bounded number of connections."""

from app.kernel.http_server.fitting import UnknownUvicornError, require_fitting
from app.kernel.http_server.limits import ArrivalLimits
from app.kernel.http_server.protocol import arriving
from app.kernel.http_server.watch import Watch

__all__ = ["ArrivalLimits", "UnknownUvicornError", "Watch", "arriving", "require_fitting"]
