"""Triggers that refuse to change or remove an audit entry, whoever asks. Put in place after every migration.

After every one, since SQLite loses a table's triggers when a migration makes the table anew.
"""

from django.db import connections

_REFUSAL = "audit entries are never changed or removed"
_SQLITE = [
    f"CREATE TRIGGER IF NOT EXISTS audit_{verb.lower()}_refused BEFORE {verb} ON engines_auditentry "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    for verb in ("UPDATE", "DELETE")
]
_POSTGRESQL = [
    "CREATE OR REPLACE FUNCTION audit_refused() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$BEGIN RAISE EXCEPTION '{_REFUSAL}'; END$$",
    "CREATE OR REPLACE TRIGGER audit_change_refused BEFORE UPDATE OR DELETE OR TRUNCATE ON engines_auditentry "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refused()",
]
_INSTALLED = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name IN "
    "('audit_update_refused', 'audit_delete_refused')",
    "postgresql": "SELECT 2 * count(*) FROM pg_trigger WHERE tgname = 'audit_change_refused' AND tgenabled = 'O'",
}


def install(using: str = "default") -> None:
    """Put the triggers in place where they are missing."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for statement in _SQLITE if connection.vendor == "sqlite" else _POSTGRESQL:
            cursor.execute(statement)


def installed(using: str = "default") -> bool:
    """Whether all of them are in place."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(_INSTALLED[connection.vendor])
        return bool(cursor.fetchone()[0] == 2)
