"""From a message to words that do not depend on the record it speaks of.

Identifiers, numbers, moments and the placeholders of message catalogues all become ``#``, so that a catalogue entry
and the live message made from it read the same. Codes written as one word (``OutOfStock``, ``stock_not_found``) come
apart into words.
"""

import re
import unicodedata

SLOT = "#"
"""The word that stands for whatever names one record: an id, a number, a moment, a placeholder."""

_LONGEST = 4000
"""Characters of a message that are read; the rest of a long trace adds time and no evidence."""

_SLOTS = re.compile(
    r"""
      https?://\S+ | \bwww\.\S+ | gid://\S+                                  # addresses
    | [\w.+-]+@[\w-]+\.[\w.]+                                                # mail addresses
    | \b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b                        # uuids
    | \b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?  # ISO moments
    | \b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b | \b\d{1,2}:\d\d(?::\d\d)?\b         # dates and times of day
    | %\(\w+\)[sdfr] | %\d*\$?[sdifr@]\b | %\d+\b                            # printf
    | \$?\{\{?[^{}\n]{0,40}\}?\} | \#\{[^{}\n]{0,40}\}                        # braces
    | <%=?[^%]{0,40}%> | @[\w.]+@                                            # templates
    | (?<=\s)[:@$]\w+ | ^[:@$]\w+                                            # named, as :name or $name
    | (?<![^\W\d_])(?:[A-Za-z]{1,6}[-_/])*[A-Za-z]{0,4}\d[\w./-]*             # whatever carries a digit
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNIT_OF_MEASURE = re.compile(r"\b[Uu]o[Mm]s?\b|\bU/M\b|\bUnitOfMeasure")
_CONTRACTED = re.compile(r"(?i)\b(ca|wo|sha)?(n['’]t|nnot)\b|n['’]t\b")
_WORD = re.compile(r"[^\W\d_]+|#")
_SHARP_S = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "’": "'"})


def fold(text: str) -> str:
    """``text`` in lower case without accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(_SHARP_S))
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def words(message: str) -> list[str]:
    """The words of ``message`` in order, folded; ``#`` where it names one record. Repeated ``#`` are one."""
    text = _SLOTS.sub(f" {SLOT} ", message[:_LONGEST])
    text = _UNIT_OF_MEASURE.sub("uom ", text)
    text = _HUMP.sub(" ", text)
    text = _CONTRACTED.sub(_spelled_out, text)
    found: list[str] = []
    for word in _WORD.findall(fold(text)):
        if word == SLOT and found and found[-1] == SLOT:
            continue
        found.append(word)
    return found


def normalised(message: str) -> str:
    """``words`` as one string; what two messages must share to count as the same wording."""
    return " ".join(words(message))


def _spelled_out(match: re.Match[str]) -> str:
    stem = (match.group(1) or "").lower()
    return {"ca": "can not", "wo": "will not", "sha": "shall not"}.get(stem, " not")
