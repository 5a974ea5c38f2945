"""Who may do what with tables and contracts."""

from typing import Annotated

from app.kernel.security.authorization import Actor, Permission, requires

CanSeeTables = Annotated[Actor, requires(Permission.TABLES_READ)]
CanAdopt = Annotated[Actor, requires(Permission.TABLES_ADOPT)]
CanPromote = Annotated[Actor, requires(Permission.TABLES_PROMOTE)]
CanDeprecate = Annotated[Actor, requires(Permission.TABLES_DEPRECATE)]
CanSeeContracts = Annotated[Actor, requires(Permission.CONTRACTS_READ)]
CanRegister = Annotated[Actor, requires(Permission.CONTRACTS_WRITE)]
CanSeeJoins = Annotated[Actor, requires(Permission.JOINS_READ)]
CanSuggestJoins = Annotated[Actor, requires(Permission.JOINS_SUGGEST)]
CanAcceptJoins = Annotated[Actor, requires(Permission.JOINS_ACCEPT)]
CanWriteGlossary = Annotated[Actor, requires(Permission.GLOSSARY_WRITE)]
