"""What makes the trail quick to search at a million entries. Put in place after every migration, beside the triggers.

A table beside the trail, filled by a trigger: of each entry that ends an act its `facts` (who, what, where, outcome,
each as one word) and its words. A full-text index (FTS5 of SQLite, GIN of PostgreSQL) meets any choice of them in a
fraction of the time that indexes of columns take, also where each is common and all together are rare.
What is unfinished is not in it: it is little, and looked through.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, connections, transaction

from engines.models import AuditEntry

_SQLITE_FACTS = (
    "'p' || hex({row}.actor_name) || ' a' || hex({row}.act)"
    " || ' g' || hex(substr({row}.act, 1, instr({row}.act || '.', '.') - 1))"
    " || ' o' || {row}.outcome || ' e' || ifnull({row}.engine_pk, '')"
)
_SQLITE_WORDS = (
    "{row}.actor_name || ' ' || {row}.address || ' ' || {row}.via || ' ' || {row}.engine_name || ' ' || {row}.act"
    " || ' ' || {row}.subject || ' ' || {row}.sentence || ' ' || ifnull({row}.operation, '') || ' ' ||"
    " ifnull((SELECT group_concat(atom, ' ') FROM json_tree({row}.parameters)), '')"
)
_SQLITE_ROW = f"{{row}}.seq, {_SQLITE_FACTS}, {_SQLITE_WORDS}"
_SQLITE = [
    # Beginnings of one and two letters have an index of their own: so many words begin with them.
    "CREATE VIRTUAL TABLE IF NOT EXISTS audit_search USING fts5(facts, words, content='', prefix='1 2')",
    "CREATE TRIGGER IF NOT EXISTS audit_indexed AFTER INSERT ON engines_auditentry "  # noqa: S608 (of constants)
    "WHEN NEW.phase <> 'INTENT' "
    f"BEGIN INSERT INTO audit_search (rowid, facts, words) VALUES ({_SQLITE_ROW.format(row='NEW')}); END",
]

# A fact begins with what no word has: words are letters and digits.
_POSTGRESQL_FACTS = (
    "array_to_tsvector(ARRAY['=p' || encode(convert_to({row}.actor_name, 'UTF8'), 'hex'),"
    " '=a' || encode(convert_to({row}.act, 'UTF8'), 'hex'),"
    " '=g' || encode(convert_to(split_part({row}.act, '.', 1), 'UTF8'), 'hex'),"
    " '=o' || {row}.outcome, '=e' || coalesce({row}.engine_pk::text, '')])"
)
_POSTGRESQL_WORDS = (
    "to_tsvector('simple', regexp_replace(lower(concat_ws(' ', {row}.actor_name, {row}.address, {row}.via,"
    " {row}.engine_name, {row}.act, {row}.subject, {row}.sentence, {row}.operation,"
    " (SELECT string_agg(value #>> '{{}}', ' ') FROM jsonb_path_query({row}.parameters, 'strict $.**') value"
    " WHERE jsonb_typeof(value) NOT IN ('object', 'array')))), '[^[:alnum:]]+', ' ', 'g'))"
)
_POSTGRESQL_ROW = f"{{row}}.seq, {_POSTGRESQL_FACTS} || {_POSTGRESQL_WORDS}"
_POSTGRESQL = [
    "CREATE TABLE IF NOT EXISTS audit_search (seq bigint PRIMARY KEY, words tsvector NOT NULL)",
    # Without the list of what is not yet in it, through which every search would have to look.
    "CREATE INDEX IF NOT EXISTS audit_search_words ON audit_search USING gin (words) WITH (fastupdate = off)",
    "CREATE OR REPLACE FUNCTION audit_indexed() RETURNS trigger LANGUAGE plpgsql AS "  # noqa: S608 (of constants)
    f"$$BEGIN INSERT INTO audit_search (seq, words) VALUES ({_POSTGRESQL_ROW.format(row='NEW')}); RETURN NULL; END$$",
    "CREATE OR REPLACE TRIGGER audit_indexed AFTER INSERT ON engines_auditentry "
    "FOR EACH ROW WHEN (NEW.phase <> 'INTENT') EXECUTE FUNCTION audit_indexed()",
]

#: Of so many newest entries PostgreSQL reads each, before it asks the index for all that there are.
_NEWEST = 10_000


def install(using: str = "default") -> None:
    """Put the index in place where it is missing, and fill it where it does not end as the trail does."""
    connection = connections[using]
    sqlite = connection.vendor == "sqlite"
    statements, number = (_SQLITE, "rowid") if sqlite else (_POSTGRESQL, "seq")
    columns, row = ("rowid, facts, words", _SQLITE_ROW) if sqlite else ("seq, words", _POSTGRESQL_ROW)
    over = AuditEntry.objects.using(using).exclude(phase=AuditEntry.Phase.INTENT)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(f"SELECT {number} FROM audit_search ORDER BY {number} DESC LIMIT 1")  # noqa: S608 (of constants)
        last = cursor.fetchone()
        if (last and last[0]) != over.values_list("seq", flat=True).first():
            cursor.execute("DROP TABLE audit_search")
            for statement in statements:
                cursor.execute(statement)
            cursor.execute(
                f"INSERT INTO audit_search ({columns}) SELECT {row.format(row='entry')} "  # noqa: S608 (of constants)
                "FROM engines_auditentry entry WHERE entry.phase <> 'INTENT' ORDER BY entry.seq"
            )


@dataclass(frozen=True)
class Terms:
    """All of `facts` (made by `fact`), and for each of `words` that something in the entry begins with it."""

    facts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def fact(letter: str, value: str) -> str:
    """A fact of an entry: `p` its person, `a` its act, `g` the act's group, `o` its outcome, `e` its engine's key."""
    return f"{letter}{value if letter in 'oe' else value.encode().hex()}"


def search(terms: Terms, where: Mapping[str, Any], rows: int) -> list[int]:
    """The numbers of at most `rows` newest entries that end an act, by `terms` and by conditions in SQL.

    `where` maps conditions on `found.seq` with one placeholder each to what takes its place.
    """
    if connection.vendor == "sqlite":
        where = {sql.replace("found.seq", "found.rowid"): value for sql, value in where.items()}
        source = "SELECT found.rowid FROM audit_search found WHERE audit_search MATCH %s"
        return _numbers(source, [_sqlite(terms)], where, rows)
    query, asked = _postgresql(terms)
    below = {sql: value for sql, value in where.items() if sql in {"found.seq < %s", "found.seq <= %s"}}
    newest = (
        "WITH newest AS MATERIALIZED (SELECT seq, words FROM audit_search found "  # noqa: S608 (of constants)
        f"WHERE {' AND '.join(below) or 'true'} ORDER BY seq DESC LIMIT {_NEWEST:d}) "
        f"SELECT found.seq FROM newest found WHERE words @@ ({query})"
    )
    found = _numbers(newest, [*below.values(), *asked], where, rows)
    if len(found) == rows:
        return found
    # Rare among the newest, so likely everywhere: by the index, whatever the planner makes of it.
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        source = f"SELECT found.seq FROM audit_search found WHERE words @@ ({query})"  # noqa: S608 (of constants)
        return _numbers(source, asked, where, rows)


def _numbers(source: str, asked: Sequence[Any], where: Mapping[str, Any], rows: int) -> list[int]:
    conditions = "".join(f" AND {condition}" for condition in where)
    with connection.cursor() as cursor:
        cursor.execute(f"{source}{conditions} ORDER BY 1 DESC LIMIT {rows:d}", [*asked, *where.values()])
        return [seq for (seq,) in cursor.fetchall()]


def _sqlite(terms: Terms) -> str:
    # A quotation mark or NUL would end a word.
    quoted = {ord('"'): " ", 0: " "}
    begun = [f'"{word.translate(quoted)}" *' for word in terms.words]
    columns = {"facts": [f'"{each}"' for each in terms.facts], "words": begun}
    return " AND ".join(f"{name} : ({' AND '.join(asked)})" for name, asked in columns.items() if asked)


def _postgresql(terms: Terms) -> tuple[str, list[str]]:
    """A tsquery with placeholders, and what takes their places."""
    facts = [f"'={each}'" for each in terms.facts]
    words = ["'{}':*".format(re.sub(r"[\W_]+", " ", word.lower())) for word in terms.words]
    query = " && ".join(["%s::tsquery"] * len(facts) + ["to_tsquery('simple', %s)"] * len(words))
    return query, [*facts, *words]
