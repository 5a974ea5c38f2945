"""The rights that every operation asks for, written down apart from the code: `test_rights.py` holds the two together.

matrix.txt says what roles are answered. No built-in role holds one of the rights that ADMIN alone has, so the matrix
would not notice one of them standing in another's place. What the state of a thing asks for beyond these stands in
`test_rights.py`, with the things.
"""

from typing import Final

OPEN: Final = "open"
"""To callers without a credential."""
ANY: Final = "any credential"

RIGHTS: Final[dict[str, frozenset[str]]] = {
    ANY: frozenset(
        {
            "POST /api/auth/logout",
            "GET /api/auth/me",
            "GET /api/addons/requests",
            "GET /api/addons/statistics",
            "GET /api/addons/requests/{request_id}",
            "GET /api/addons/requests/{request_id}/samples",
            "GET /api/addons/requests/{request_id}/revisions",
            "GET /api/addons/requests/{request_id}/revisions/{version}",
            "GET /api/addons/requests/{request_id}/revisions/{version}/download",
            "GET /api/addons/requests/{request_id}/revisions/{version}/files/{path}",
            "GET /api/addons/requests/{request_id}/revisions/{version}/diff/{other}",
            "GET /api/addons/requests/{request_id}/validations",
            "GET /api/addons/requests/{request_id}/validations/{number}",
            "GET /api/roles",
            "GET /api/sessions",
            "DELETE /api/sessions/{session_id}",
            "POST /api/users/{user_id}/password",
            "GET /system/jobs",
            "GET /system/jobs/{job_id}",
            "POST /system/jobs/{job_id}/cancel",
            "GET /system/maintenance",
            "GET /system/mode",
        }
    ),
    "addons:approve": frozenset(
        {"POST /api/addons/requests/{request_id}/approve", "POST /api/addons/requests/{request_id}/reject"}
    ),
    "addons:request": frozenset(
        {
            "POST /api/addons/requests",
            "POST /api/addons/requests/{request_id}/submit",
            "POST /api/addons/requests/{request_id}/cancel",
            "POST /api/addons/requests/{request_id}/retry",
            "POST /api/addons/requests/{request_id}/samples",
            "DELETE /api/addons/requests/{request_id}/samples/{sample_id}",
            "POST /api/addons/requests/{request_id}/revisions",
            "POST /api/addons/requests/{request_id}/validations",
        }
    ),
    "audit:read": frozenset(
        {
            "GET /api/audit",
            "GET /api/audit/checkpoint",
            "POST /api/audit/verify",
            "GET /api/audit/{entry_id}",
            "GET /api/audit/{entry_id}/proof",
        }
    ),
    "contracts:read": frozenset(
        {
            "GET /api/contracts",
            "GET /api/contracts/{contract_id}",
            "GET /api/contracts/{contract_id}/diff",
            "GET /api/contracts/{contract_id}/odcs",
            "GET /api/contracts/{contract_id}/schema",
            "GET /api/contracts/{contract_id}/schema/{version}",
            "GET /api/drift",
            "GET /api/drift/{report_id}",
        }
    ),
    "contracts:write": frozenset(
        {
            "POST /api/contracts/import",
            "POST /api/contracts/register",
            "PATCH /api/contracts/{contract_id}",
            "POST /api/contracts/{contract_id}/drift",
            "POST /api/drift/{report_id}/resolve",
            "POST /api/drift/{report_id}/undo",
        }
    ),
    "exports:run": frozenset(
        {
            "GET /system/exports/",
            "POST /system/exports/",
            "GET /system/exports/{export_id}",
            "POST /system/exports/{export_id}/cancel",
            "GET /system/exports/{export_id}/download",
        }
    ),
    "flags:evaluate": frozenset({"POST /ofrep/v1/evaluate/flags", "POST /ofrep/v1/evaluate/flags/{flag_key}"}),
    "knowledge:read": frozenset(
        {"GET /api/knowledge/documents", "GET /api/knowledge/documents/{id}", "GET /api/knowledge/search"}
    ),
    "knowledge:manage": frozenset(
        {"POST /api/knowledge/documents", "PATCH /api/knowledge/documents/{id}", "DELETE /api/knowledge/documents/{id}"}
    ),
    "glossary:write": frozenset(
        {
            "POST /api/glossary",
            "DELETE /api/glossary/{id}",
            "POST /api/query/corrections/{id}/accept",
            "POST /api/query/corrections/{id}/reject",
        }
    ),
    "joins:accept": frozenset({"POST /api/joins/accept", "POST /api/joins/{id}/deprecate"}),
    "joins:read": frozenset(
        {"GET /api/joins", "GET /api/joins/candidates", "GET /api/joins/candidates/{id}", "GET /api/joins/{id}"}
    ),
    "joins:suggest": frozenset({"POST /api/joins/candidates/refresh", "POST /api/joins/candidates/{id}/reject"}),
    "ingestion:read": frozenset(
        {
            "GET /api/ingestion/batches",
            "GET /api/ingestion/batches/{batch_id}",
            "GET /api/ingestion/batches/{batch_id}/quarantine",
            "GET /api/ingestion/batches/{batch_id}/quarantine/export",
        }
    ),
    "ingestion:rewrite": frozenset(
        {
            "GET /api/ingestion/runs",
            "GET /api/ingestion/runs/{run_id}",
            "POST /api/ingestion/backfill",
            "POST /api/ingestion/batches/{batch_id}/quarantine/replay",
            "POST /api/ingestion/batches/{batch_id}/rollback",
            "POST /api/ingestion/replay",
            "POST /api/ingestion/runs/{run_id}/cancel",
        }
    ),
    "ingestion:write": frozenset(
        {"POST /api/ingestion/batches/{batch_id}/quarantine/resolve", "POST /api/ingestion/{contract_id}/batches"}
    ),
    OPEN: frozenset(
        {
            "GET /api/auth/.well-known/jwks.json",
            "GET /api/auth/oidc/callback",
            "GET /api/auth/oidc/login",
            "POST /api/auth/token",
            "POST /api/sessions",
            "GET /health",
            "GET /health/live",
            "GET /health/ready",
        }
    ),
    "query:correct": frozenset(
        {"POST /api/query/correct", "GET /api/query/corrections", "POST /api/query/corrections/{id}/revoke"}
    ),
    "query:run": frozenset(
        {
            "POST /api/query/execute",
            "GET /api/query/executions",
            "POST /api/query/preview",
            "GET /api/query/previews/{preview_id}",
            "POST /api/query/validate",
        }
    ),
    "security:admin": frozenset(
        {
            "GET /system/security/actions",
            "POST /system/security/actions",
            "POST /system/security/actions/{action_id}/undo",
            "GET /system/security/blocks",
            "POST /system/security/blocks",
            "DELETE /system/security/blocks/{block_id}",
            "GET /system/security/events",
            "GET /system/security/honeypots",
            "POST /system/security/honeypots",
            "DELETE /system/security/honeypots/{honeypot_id}",
            "GET /system/security/policy",
            "PUT /system/security/policy",
            "GET /system/security/rate-limits",
            "PUT /system/security/rate-limits",
            "GET /system/security/responses",
            "PUT /system/security/responses",
        }
    ),
    "system:read": frozenset(
        {
            "GET /system/config",
            "GET /system/config/{config_key}",
            "GET /system/config/{config_key}/history",
            "GET /metrics",
            "GET /system/dashboard",
            "GET /system/deployment",
            "GET /system/flags",
            "GET /system/flags/{flag_key}",
            "GET /system/maintenance/windows",
            "GET /system/notify/",
            "GET /system/notify/channels",
            "GET /system/notify/channels/{channel_id}",
            "GET /system/notify/{message_id}",
            "GET /system/retention/",
            "GET /system/retention/{category}",
            "GET /system/retention/{category}/holds",
            "POST /system/retention/{category}/preview",
            "GET /system/retention/{category}/runs",
            "GET /system/retention/{category}/runs/{run_id}",
            "GET /system/routes",
        }
    ),
    "system:write": frozenset(
        {
            "DELETE /system/config/{config_key}",
            "PUT /system/config/{config_key}",
            "POST /system/config/{config_key}/revert",
            "POST /system/exports/{export_id}/status",
            "POST /system/flags",
            "PATCH /system/flags/{flag_key}",
            "PUT /system/maintenance",
            "POST /system/maintenance/windows",
            "DELETE /system/maintenance/windows/{window_id}",
            "PUT /system/mode",
            "POST /system/notify/",
            "POST /system/notify/channels",
            "DELETE /system/notify/channels/{channel_id}",
            "PATCH /system/notify/channels/{channel_id}",
            "POST /system/notify/channels/{channel_id}/rotate-secret",
            "POST /system/notify/channels/{channel_id}/test",
            "POST /system/notify/recover",
            "POST /system/notify/{message_id}/retry",
            "POST /system/retention/",
            "POST /system/retention/{category}/holds",
            "DELETE /system/retention/{category}/holds/{hold_id}",
            "POST /system/retention/{category}/run",
            "POST /system/retention/{category}/runs/{run_id}/cancel",
        }
    ),
    "tables:adopt": frozenset({"POST /api/tables/adopt"}),
    "tables:deprecate": frozenset({"POST /api/tables/{table}/deprecate", "POST /api/tables/{table}/restore"}),
    "tables:promote": frozenset({"POST /api/tables/{table}/promote"}),
    "tables:read": frozenset(
        {
            "GET /api/glossary",
            "GET /api/tables",
            "GET /api/tables/{table}",
            "GET /api/tables/{table}/history",
            "GET /api/tables/{table}/profile",
            "GET /api/tables/{table}/state",
            "GET /api/tables/{table}/versions",
        }
    ),
    "users:admin": frozenset(
        {
            "GET /api/clients",
            "POST /api/clients",
            "GET /api/clients/{client_id}",
            "PATCH /api/clients/{client_id}",
            "POST /api/clients/{client_id}/keys",
            "DELETE /api/clients/{client_id}/keys/{key_id}",
            "POST /api/clients/{client_id}/keys/{key_id}/rotate",
            "GET /api/users",
            "POST /api/users",
            "DELETE /api/users/{user_id}",
            "GET /api/users/{user_id}",
            "PATCH /api/users/{user_id}",
            "PUT /api/users/{user_id}/roles",
        }
    ),
}
