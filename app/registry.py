"""The list of domains, the planes from below. What each brings stands in its own `domain.py`."""

from app.access.clients.domain import DOMAIN as CLIENTS
from app.access.credentials.domain import DOMAIN as CREDENTIALS
from app.access.login.domain import DOMAIN as LOGIN
from app.access.oidc.domain import DOMAIN as OIDC
from app.access.sessions.domain import DOMAIN as SESSIONS
from app.access.signing.domain import DOMAIN as SIGNING
from app.access.users.domain import DOMAIN as USERS
from app.addons.knowledge.domain import DOMAIN as KNOWLEDGE
from app.addons.requests.domain import DOMAIN as ADDONS
from app.audit.domain import DOMAIN as AUDIT
from app.catalog.adoption.domain import DOMAIN as ADOPTION
from app.catalog.baselines.domain import DOMAIN as BASELINES
from app.catalog.contracts.changes.domain import DOMAIN as CONTRACT_CHANGES
from app.catalog.contracts.domain import DOMAIN as CONTRACTS
from app.catalog.contracts.exchange.domain import DOMAIN as CONTRACT_EXCHANGE
from app.catalog.drift_reports.domain import DOMAIN as DRIFT_REPORTS
from app.catalog.glossary.domain import DOMAIN as GLOSSARY
from app.catalog.joins.domain import DOMAIN as JOINS
from app.catalog.tables.domain import DOMAIN as TABLES
from app.ingestion.domain import DOMAIN as INGESTION
from app.ingestion.runs.domain import DOMAIN as INGESTION_RUNS
from app.kernel.domains.domain import Domain
from app.kernel.domains.kernel import DOMAIN as KERNEL
from app.operations.configuration.domain import DOMAIN as CONFIGURATION
from app.operations.dashboard.domain import DOMAIN as DASHBOARD
from app.operations.decisions.domain import DOMAIN as DECISIONS
from app.operations.deployment.domain import DOMAIN as DEPLOYMENT
from app.operations.exports.domain import DOMAIN as EXPORTS
from app.operations.exports.snapshot.domain import DOMAIN as SNAPSHOT
from app.operations.flags.domain import DOMAIN as FLAGS
from app.operations.health.domain import DOMAIN as HEALTH
from app.operations.housekeeping.domain import DOMAIN as HOUSEKEEPING
from app.operations.jobs.domain import DOMAIN as JOBS
from app.operations.metrics.domain import DOMAIN as METRICS
from app.operations.modes.domain import DOMAIN as MODES
from app.operations.notifications.domain import DOMAIN as NOTIFICATIONS
from app.operations.retention.domain import DOMAIN as RETENTION
from app.operations.security.domain import DOMAIN as SECURITY
from app.query.domain import DOMAIN as QUERY

DOMAINS: tuple[Domain, ...] = (
    KERNEL,
    AUDIT,
    CREDENTIALS,
    SIGNING,
    OIDC,
    USERS,
    CLIENTS,
    SESSIONS,
    LOGIN,
    DECISIONS,
    METRICS,
    HEALTH,
    FLAGS,
    SECURITY,
    NOTIFICATIONS,
    DASHBOARD,
    JOBS,
    DEPLOYMENT,
    CONFIGURATION,
    MODES,
    HOUSEKEEPING,
    RETENTION,
    EXPORTS,
    SNAPSHOT,
    CONTRACT_EXCHANGE,
    CONTRACTS,
    CONTRACT_CHANGES,
    TABLES,
    ADOPTION,
    BASELINES,
    DRIFT_REPORTS,
    JOINS,
    GLOSSARY,
    INGESTION,
    INGESTION_RUNS,
    QUERY,
    KNOWLEDGE,
    ADDONS,
)
