"""What makes the trail quick to search at a million entries. Put in place after every migration, beside the triggers.

SQLite: a full-text index of `facts` (who, what, where, outcome, as words of their own) and `words`, which meets any
choice of them in a fraction of the time that indexes of columns take. PostgreSQL: an index per column, one of words.
Both hold what is over; what is unfinished is little, and looked through.
"""

from django.db import connections

from engines.models import AuditEntry

_FACTS = (
    "'p' || hex({row}.actor_name) || ' a' || hex({row}.act) || ' g' || hex({group}) || ' o' || {row}.outcome"
    " || ' e' || ifnull({row}.engine_pk, '')"
)
_GROUP = "substr({row}.act, 1, instr({row}.act || '.', '.') - 1)"
_WORDS = (
    "{row}.actor_name || ' ' || {row}.address || ' ' || {row}.via || ' ' || {row}.engine_name || ' ' || {row}.act"
    " || ' ' || {row}.subject || ' ' || {row}.sentence || ' ' || ifnull({row}.operation, '') || ' ' ||"
    " ifnull((SELECT group_concat(atom, ' ') FROM json_tree({row}.parameters)), '')"
)


def _values(row: str) -> str:
    return f"{row}.seq, {_FACTS.format(row=row, group=_GROUP.format(row=row))}, {_WORDS.format(row=row)}"


_SQLITE_TABLE = "CREATE VIRTUAL TABLE IF NOT EXISTS audit_search USING fts5(facts, words, content='', prefix='3')"
_SQLITE_TRIGGER = (
    "CREATE TRIGGER IF NOT EXISTS audit_indexed AFTER INSERT ON engines_auditentry "  # noqa: S608 (of constants)
    "WHEN NEW.phase <> 'INTENT' "
    f"BEGIN INSERT INTO audit_search (rowid, facts, words) VALUES ({_values('NEW')}); END"
)
_SQLITE_FILL = (
    f"INSERT INTO audit_search (rowid, facts, words) SELECT {_values('entry')} "  # noqa: S608 (of constants)
    "FROM engines_auditentry entry WHERE entry.phase <> 'INTENT' ORDER BY entry.seq"
)

#: As text, so that a query of the same text uses the index.
POSTGRESQL_WORDS = (
    "to_tsvector('simple', regexp_replace(lower(actor_name || ' ' || address || ' ' || via || ' ' || engine_name"
    " || ' ' || act || ' ' || subject || ' ' || sentence || ' ' || coalesce(operation::text, '') || ' ' ||"
    " parameters::text), '[^[:alnum:]]+', ' ', 'g'))"
)
_POSTGRESQL = [
    *(
        f"CREATE INDEX IF NOT EXISTS audit_by_{column} ON engines_auditentry ({column}, seq DESC) "
        "WHERE phase <> 'INTENT'"
        for column in ("actor_name", "act", "engine_pk", "outcome")
    ),
    "CREATE INDEX IF NOT EXISTS audit_by_words ON engines_auditentry "
    f"USING gin (({POSTGRESQL_WORDS})) WITH (fastupdate = off) WHERE phase <> 'INTENT'",
]


def install(using: str = "default") -> None:
    """Put the indexes in place where they are missing, and fill them where they do not end as the trail does."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            for statement in _POSTGRESQL:
                cursor.execute(statement)
            return
        cursor.execute(_SQLITE_TABLE)
        cursor.execute("SELECT rowid FROM audit_search ORDER BY rowid DESC LIMIT 1")
        last = cursor.fetchone()
        over = AuditEntry.objects.using(using).exclude(phase=AuditEntry.Phase.INTENT)
        if (last and last[0]) != over.values_list("seq", flat=True).first():
            cursor.execute("DROP TABLE audit_search")
            cursor.execute(_SQLITE_TABLE)
            cursor.execute(_SQLITE_FILL)
        cursor.execute(_SQLITE_TRIGGER)
