"""The words a case is found by: its title and cause, what it touches, its owner, what was told and noted."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.cases.tables import CaseWords
from core_sync.database.upsert import upsert

SIGNALS_READ = 50
"""Of a case with more signals, the newest: the others say the same."""

LETTERS_MAX = 1_000_000
"""Bytes of a case's words: PostgreSQL takes 1,048,575, and an outage may touch more SKUs than that names."""

_WORD = re.compile(r"[^\W_]+")


def words_of(*said: str | None) -> list[str]:
    """The different words of what was said, as they are kept and looked for: casefolded, without accents."""
    plain = " ".join(one for one in said if one).casefold()
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain).casefold()
        plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return sorted(set(_WORD.findall(plain)))


def keep_words(connection: Connection, case_id: int, touched: Sequence[str] | None = None) -> None:
    """Gather the words of a case anew.

    Args:
        touched: words of what it touches, in order, where they are known; gathered here otherwise.
    """
    bound = {"case_id": case_id, "most": SIGNALS_READ}
    told: list[str] = []
    for statement in (_CASE, _NOTES, _FAILURES):
        told += [str(one) for row in connection.execute(text(statement), bound) for one in row if one is not None]
    if touched is None:
        scopes = connection.execute(text(_SCOPES), bound).all()
        touched = words_of(*(scope.value for scope in scopes), *(scope.description for scope in scopes))
    words = " ".join(_that_fit(words_of(*told), touched))
    if connection.execute(text(_STORED), bound).scalar_one_or_none() != words:
        upsert(connection, CaseWords, [{"case_id": case_id, "words": words}], ("case_id",))


def words_touched(connection: Connection, skus: Collection[str], places: Iterable[str]) -> list[str]:
    """Words of what a case touches: SKUs with their descriptions, locations and channels (``places``)."""
    described = text(_DESCRIPTIONS.format(wanted=wanted_skus(connection)))
    descriptions = connection.execute(described, {"skus": as_json(skus)}).scalars()
    return words_of(*skus, *places, *descriptions)


def _that_fit(told: Sequence[str], touched: Sequence[str]) -> list[str]:
    """Every word of what was told, and of what is touched as many as a database takes."""
    left = LETTERS_MAX - sum(len(word.encode()) for word in told)
    if len("".join(touched).encode()) <= left:
        return sorted({*told, *touched})
    found = dict.fromkeys(told)
    for word in touched:
        left -= len(word.encode())
        if left < 0:
            break
        found[word] = None
    return sorted(found)


_STORED = "SELECT words FROM case_words WHERE case_id = :case_id"

_CASE = """
SELECT title, root_cause, override_root_cause, subclass, owner, recommended_action FROM exception_case
WHERE case_id = :case_id
"""

_SCOPES = """
SELECT c.value, s.description FROM case_scope c LEFT JOIN sku s ON c.kind = 'sku' AND s.sku = c.value
WHERE c.case_id = :case_id
"""

_DESCRIPTIONS = "SELECT s.description FROM ({wanted}) w JOIN sku s ON s.sku = w.sku WHERE s.description IS NOT NULL"

_FAILURES = """
SELECT f.id, f.message, f.system, f.operation, f.error_code, f.document, f.http_status FROM (
    SELECT signal_id FROM case_signal WHERE case_id = :case_id AND kind = 'failure'
    ORDER BY case_signal_id DESC LIMIT :most
) t JOIN failure f ON f.failure_id = t.signal_id
"""

_NOTES = "SELECT note FROM case_entry WHERE case_id = :case_id AND note IS NOT NULL"
