"""The words a case is found by: its title and cause, what it touches, its owner, what was told and noted."""

import re
import unicodedata
from collections.abc import Iterable

from sqlalchemy import Connection, text

from core_sync.cases.tables import CaseWords
from core_sync.database.upsert import upsert

SIGNALS_READ = 50
"""Of a case with more signals, the newest: the others say the same."""

_WORD = re.compile(r"[^\W_]+")


def words_of(*said: str | None) -> list[str]:
    """The different words of what was said, as they are kept and looked for: casefolded, without accents."""
    plain = " ".join(one for one in said if one).casefold()
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain).casefold()
        plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return sorted(set(_WORD.findall(plain)))


def keep_words(connection: Connection, case_ids: Iterable[int]) -> None:
    """Gather the words of each case anew."""
    wanted = sorted(set(case_ids))
    for start in range(0, len(wanted), 200):
        part = wanted[start : start + 200]
        marks = ", ".join(str(int(case_id)) for case_id in part)
        said: dict[int, list[str]] = {case_id: [] for case_id in part}
        for statement in (_CASES, _SCOPES, _FAILURES, _NOTES):
            for case_id, *told in connection.execute(text(statement.replace("{cases}", marks)), _BOUND):
                said[case_id] += [str(one) for one in told if one is not None]
        words = {case_id: " ".join(words_of(*told)) for case_id, told in said.items()}
        stored = connection.execute(text(_STORED.replace("{cases}", marks)))
        known = {int(row.case_id): str(row.words) for row in stored}
        rows = [{"case_id": case_id, "words": new} for case_id, new in words.items() if known.get(case_id) != new]
        upsert(connection, CaseWords, rows, ("case_id",))


_BOUND = {"most": SIGNALS_READ}

_STORED = "SELECT case_id, words FROM case_words WHERE case_id IN ({cases})"

_CASES = """
SELECT case_id, title, root_cause, override_root_cause, subclass, owner, recommended_action FROM exception_case
WHERE case_id IN ({cases}) AND :most > 0
"""

_SCOPES = """
SELECT c.case_id, c.value, s.description FROM case_scope c
LEFT JOIN sku s ON c.kind = 'sku' AND s.sku = c.value
WHERE c.case_id IN ({cases}) AND :most > 0
"""

_FAILURES = """
SELECT t.case_id, f.id, f.message, f.system, f.operation, f.error_code, f.document, f.http_status FROM (
    SELECT case_id, signal_id, ROW_NUMBER() OVER (PARTITION BY case_id ORDER BY case_signal_id DESC) AS place
    FROM case_signal WHERE kind = 'failure' AND case_id IN ({cases})
) t JOIN failure f ON f.failure_id = t.signal_id WHERE t.place <= :most
"""

_NOTES = """
SELECT case_id, note FROM case_entry WHERE case_id IN ({cases}) AND note IS NOT NULL AND :most > 0
"""
