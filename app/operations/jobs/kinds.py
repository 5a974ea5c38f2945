"""What jobs there can be: `app/wiring.py` fills the catalogue with every domain's definitions."""

from app.kernel.jobs import JobDefinition
from app.kernel.ports.catalogue import Catalogue


class JobKinds(Catalogue[JobDefinition]):
    """The definitions of this process's version, by the name of their jobs."""
