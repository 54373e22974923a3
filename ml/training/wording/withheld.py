"""Messages that must never be written, because they are kept for evaluation.

A grammar says short things such as that a product is missing, and so does every real catalogue. What comes too near to
a message of the evaluation is therefore not written: ``withheld.json`` holds fingerprints of those messages (hashes of
runs of five letters and of five words), not their text, and serves this refusal alone. Two messages count as the same
when, after normalising, they share at least 0.6 of their runs (Jaccard).

``python -m ml.training.wording.withheld FILE.jsonl`` writes the fingerprints of the ``text`` fields of a file anew.
"""

import base64
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from ml.root_cause.normalise import normalised

SAME = 0.6
RUN = 5
_FILE = Path(__file__).with_name("withheld.json")


def runs_of(message: str) -> tuple[frozenset[str], frozenset[str]]:
    """The runs of five letters and of five words of the normalised ``message``; a shorter one is its own only run."""
    text = normalised(message)
    words = text.split()
    return (
        frozenset(text[at : at + RUN] for at in range(max(1, len(text) - RUN + 1))),
        frozenset(" ".join(words[at : at + RUN]) for at in range(max(1, len(words) - RUN + 1))),
    )


def is_withheld(message: str) -> bool:
    """Whether ``message`` is too near to one kept for evaluation, by letters or by words."""
    return any(_is_near(own, *known) for own, known in zip(_fingerprints(message), _withheld(), strict=True))


def write_fingerprints(messages: Iterable[str], file: Path = _FILE) -> int:
    """Write the fingerprints of ``messages`` to ``file``; how many there are."""
    packed = [[_packed(own) for own in _fingerprints(one)] for one in messages]
    file.write_text(json.dumps(packed, indent=0) + "\n", encoding="utf-8")
    return len(packed)


def _fingerprints(message: str) -> tuple[frozenset[int], ...]:
    """The runs of ``message`` as 32-bit hashes, of letters and of words."""
    return tuple(frozenset(zlib.crc32(run.encode()) for run in runs) for runs in runs_of(message))


def _is_near(own: frozenset[int], sizes: list[int], where: dict[int, list[int]]) -> bool:
    shared: Counter[int] = Counter()
    for run in own:
        shared.update(where.get(run, ()))
    return any(count >= SAME * (len(own) + sizes[at] - count) for at, count in shared.items())


def _packed(hashes: frozenset[int]) -> str:
    return base64.b64encode(np.array(sorted(hashes), dtype="<u4").tobytes()).decode()


@cache
def _withheld() -> tuple[tuple[list[int], dict[int, list[int]]], ...]:
    """For letters and for words: the size of each fingerprint, and in which of them a hash stands."""
    kinds: tuple[tuple[list[int], dict[int, list[int]]], ...] = (([], {}), ([], {}))
    for at, one in enumerate(json.loads(_FILE.read_text(encoding="utf-8"))):
        for (sizes, where), packed in zip(kinds, one, strict=True):
            hashes = np.frombuffer(base64.b64decode(packed), dtype="<u4").tolist()
            sizes.append(len(hashes))
            for run in hashes:
                where.setdefault(run, []).append(at)
    return kinds


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    print(write_fingerprints(json.loads(line)["text"] for line in lines if line.strip()), "fingerprints")
