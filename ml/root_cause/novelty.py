"""How much of a message is made of words that neither training nor the lexicon knows."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.lexicon.concepts import concepts_of
from ml.root_cause.normalise import SLOT

BITS = 1 << 17
_SHORTEST = 3


@dataclass(frozen=True)
class Vocabulary:
    """The words seen in training, as marks in a field of ``BITS`` bits; few enough that chance marks are rare."""

    marks: NDArray[np.bool_]
    threshold: float
    """The share of unknown words above which a text counts as novel."""

    def novelty(self, words: Sequence[str]) -> float:
        """Share of the words that are unknown, 0 to 1; short words and names of records do not count."""
        told = {word for word in words if word != SLOT and len(word) >= _SHORTEST}
        if not told:
            return 0.0
        unknown = sum(not self.marks[_mark(word)] and not concepts_of(word) for word in told)
        return unknown / len(told)


def vocabulary_of(texts: Iterable[Sequence[str]], threshold: float) -> Vocabulary:
    """The vocabulary of the words of ``texts``."""
    marks = np.zeros(BITS, dtype=np.bool_)
    for words in texts:
        for word in words:
            marks[_mark(word)] = True
    return Vocabulary(marks, threshold)


def _mark(word: str) -> int:
    return zlib.crc32(word.encode()) % BITS
