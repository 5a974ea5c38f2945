"""Who may query, and say what questions mean."""

from typing import Annotated

from app.kernel.security.authorization import Actor, Permission, requires

CanQuery = Annotated[Actor, requires(Permission.QUERY_RUN)]
CanCorrect = Annotated[Actor, requires(Permission.QUERY_CORRECT)]
CanJudgeCorrections = Annotated[Actor, requires(Permission.GLOSSARY_WRITE)]
