"""Who may send batches, and who may see what became of them."""

from typing import Annotated

from app.kernel.security.authorization import Actor, Permission, requires

CanIngest = Annotated[Actor, requires(Permission.INGESTION_WRITE)]
CanRewrite = Annotated[Actor, requires(Permission.INGESTION_REWRITE)]
CanSeeBatches = Annotated[Actor, requires(Permission.INGESTION_READ)]
