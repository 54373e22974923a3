"""Which concepts of the trade a word stands for."""

import tomllib
from functools import cache, lru_cache
from pathlib import Path

_FILE = Path(__file__).with_name("concepts.toml")
_SHORTEST_STEM = 3


@cache
def _stems() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Whole words and stems (starred in the file), each with its concepts."""
    whole: dict[str, tuple[str, ...]] = {}
    stems: dict[str, tuple[str, ...]] = {}
    for concept, listed in tomllib.loads(_FILE.read_text(encoding="utf-8")).items():
        for word in str(listed).split():
            into, name = (stems, word[:-1]) if word.endswith("*") else (whole, word)
            if concept not in into.get(name, ()):
                into[name] = (*into.get(name, ()), concept)
    return whole, stems


@lru_cache(maxsize=50_000)
def concepts_of(word: str) -> tuple[str, ...]:
    """The concepts of a folded ``word``: those of the word itself, else of the longest stem it starts with."""
    whole, stems = _stems()
    if word in whole:
        return whole[word]
    for length in range(len(word), _SHORTEST_STEM - 1, -1):
        if word[:length] in stems:
            return stems[word[:length]]
    return ()
