"""A message as a sparse vector: concepts of the trade, words, and the letters inside words.

Three blocks, each of length one, so that none drowns the others. Everything is hashed into a fixed width, so no
vocabulary has to be kept; what a word contributes is worked out once and remembered.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ml.root_cause.lexicon.concepts import concepts_of
from ml.root_cause.normalise import SLOT, words

BLOCK = 1 << 13
"""Width of one block."""

CONCEPTS, WORDS, LETTERS = 0, 1, 2
BLOCKS = 3
WIDTH = BLOCKS * BLOCK
_WEIGHT = (1.2, 1.0, 0.8)
_MOST_CONCEPTS = 40
_REACH = 5
"""Concepts this far apart still make a pair."""


@dataclass(frozen=True)
class Text:
    """A message taken apart: its words, and its vector as places and values."""

    words: tuple[str, ...]
    places: NDArray[np.int32]
    values: NDArray[np.float32]


def text_of(message: str, blocks: Sequence[int] = (CONCEPTS, WORDS, LETTERS)) -> Text:
    """The vector of ``message``, built from ``blocks`` only. An empty message has no place at all."""
    return _taken_apart(tuple(words(message)), tuple(blocks))


@lru_cache(maxsize=4_096)
def _taken_apart(found: tuple[str, ...], blocks: tuple[int, ...]) -> Text:
    """Remembered: failures come in crowds that say the same but for the record they name."""
    places: list[int] = []
    values: list[float] = []
    for block in blocks:
        part = _BLOCK_PLACES[block](found)
        if part:
            places += part
            values += [_WEIGHT[block] / math.sqrt(len(part))] * len(part)
    return Text(found, np.array(places, dtype=np.int32), np.array(values, dtype=np.float32))


def matrix_of(texts: Sequence[Text]) -> csr_matrix:
    """Vectors as rows, shape (len(texts), WIDTH), float32."""
    pointers = np.cumsum([0, *(text.places.size for text in texts)])
    values = np.concatenate([np.empty(0, np.float32), *(text.values for text in texts)])
    places = np.concatenate([np.empty(0, np.int32), *(text.places for text in texts)])
    return csr_matrix((values, places, pointers), shape=(len(texts), WIDTH))


def concept_row(found: Sequence[str]) -> list[str]:
    """The concepts of the words in order, without immediate repeats."""
    row: list[str] = []
    for word in found:
        for concept in concepts_of(word):
            if not row or row[-1] != concept:
                row.append(concept)
    return row[:_MOST_CONCEPTS]


def word_places(word: str) -> NDArray[np.int32]:
    """The places that one ``word`` alone takes in all blocks: its letters, itself, its concepts."""
    own = [_place(WORDS, word), *(_place(CONCEPTS, concept) for concept in concepts_of(word)), *_letters_of(word)]
    return np.array(own, dtype=np.int32)


def _concept_places(found: Sequence[str]) -> set[int]:
    row = concept_row(found)
    grams = set(row)
    grams.update(f"{a}>{b}" for a, b in pairwise(row))
    grams.update(f"{a}>{b}>{c}" for a, b, c in zip(row, row[1:], row[2:], strict=False))
    for at, first in enumerate(row):
        for second in row[at + 2 : at + 1 + _REACH]:
            grams.add(f"{first}&{second}" if first < second else f"{second}&{first}")
    if row:
        grams.add(f"^{row[0]}")
    return {_place(CONCEPTS, gram) for gram in grams}


def _word_places(found: Sequence[str]) -> set[int]:
    grams = [word for word in found if word != SLOT]
    grams += [f"{a} {b}" for a, b in pairwise(found)]
    return {_place(WORDS, gram) for gram in grams}


def _letter_places(found: Sequence[str]) -> set[int]:
    return set().union(*(_letters_of(word) for word in found if word != SLOT))


@lru_cache(maxsize=50_000)
def _letters_of(word: str) -> frozenset[int]:
    """Runs of 3 to 5 letters in the word, its edges marked."""
    edged = f"<{word[:40]}>"
    runs = (edged[at : at + n] for n in (3, 4, 5) for at in range(len(edged) - n + 1))
    return frozenset(_place(LETTERS, run) for run in runs)


@lru_cache(maxsize=200_000)
def _place(block: int, gram: str) -> int:
    return block * BLOCK + zlib.crc32(gram.encode()) % BLOCK


_BLOCK_PLACES = (_concept_places, _word_places, _letter_places)
