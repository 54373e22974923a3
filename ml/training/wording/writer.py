"""Writes failure messages for a leaf: the grammars' phrases, dressed in the styles of many systems."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from ml.root_cause.causes import LEAVES, RootCause, root_cause_of
from ml.training.wording.grammar import Grammar, Phrase, Pick, read_grammar
from ml.training.wording.withheld import is_withheld

_Choice = TypeVar("_Choice")
_HERE = Path(__file__).parent
_ENGLISH = (
    "words.en.grammar",
    "causes.en.grammar",
    "causes2.en.grammar",
    "other.en.grammar",
    "near.en.grammar",
    "further.en.grammar",
)
_FURTHER = ("de", "fr", "es", "it", "pt", "nl")
_SHARE_ENGLISH = 0.7
"""Of the messages written; the other languages share the rest."""

CAUSE_SHARES: dict[RootCause, float] = {
    RootCause.TIMEOUT: 0.11,
    RootCause.SKU_MAPPING: 0.17,
    RootCause.STALE_RESERVATION: 0.09,
    RootCause.DUPLICATE: 0.13,
    RootCause.POSTING_DELAY: 0.12,
    RootCause.OTHER: 0.38,
}
"""What share of the messages speaks of each cause: ``other`` is the largest in every catalogue."""

_LEAF_WEIGHTS = {"validation": 8.0, "auth": 1.4, "unmapped_sku": 2.0, "location_mapping": 2.0, "late_confirmation": 1.5,
                 "leaked": 1.6, "redelivery": 1.3, "id_conflict": 1.3, "timeout": 1.2, "outage": 1.2}  # fmt: skip
_STYLE_SHARES = {
    "plain": 0.50,
    "coded": 0.09,
    "log": 0.05,
    "exception": 0.05,
    "polite": 0.07,
    "context": 0.07,
    "prose": 0.05,
    "structured": 0.04,
    "trace": 0.02,
    "named": 0.06,
}
_SLOTS = (
    "%s", "{0}", "{1}", "%(name)s", "%(product)s", "%d", "%1", ":id", "${item}", "{{ value }}", "%@",
    "SKU-4711", "A10023", "4006381333931", "WH-01", "12", "100234", "2026-03-14", "7f9c24e8", "10.5", "PO-88121",
    "'Blue Mug'", '"Main"', "'Oak Table XL'", '"Nord"', "ABC", "", "",
)  # fmt: skip
_ASIDES = {"before": 0.10, "after": 0.18}
"""Shares of the messages that say something of their record before or after their core, whatever the cause."""
_NAME_ALONE = 0.5
"""Of the messages with a program's name for the error, the share that says nothing else."""
_JOINED = (
    ("_", str.upper), ("_", str.lower), ("", str.title), (".", str.lower), ("-", str.lower), (" ", str.capitalize),
)  # fmt: skip
"""How programs join the words of a name: ``SKU_NOT_FOUND``, ``sku_not_found``, ``SkuNotFound``, ``sku.not.found``."""
_MOST_TRIES = 50
_HELD_OUT = 5
"""One phrase in so many is kept from training."""


@dataclass(frozen=True)
class Written:
    """A message and the leaf it was written for."""

    message: str
    leaf: str


def is_held_out(phrase: Phrase) -> bool:
    """Whether ``phrase`` is never trained on: decided by its text alone, so it stays so."""
    return zlib.crc32(phrase.text.encode()) % _HELD_OUT == 0


@cache
def english() -> Grammar:
    """The grammar of English messages."""
    return read_grammar([_HERE / name for name in _ENGLISH])


@cache
def further_languages() -> tuple[Grammar, ...]:
    """The grammars of German, French, Spanish, Italian, Portuguese and Dutch messages."""
    return tuple(read_grammar([_HERE / f"{name}.grammar"]) for name in _FURTHER)


@cache
def _styles() -> Grammar:
    return read_grammar([_HERE / "styles.grammar"])


@cache
def _asides() -> Grammar:
    return read_grammar([_HERE / "asides.grammar"])


@cache
def code_names() -> Grammar:
    """The grammar of names that programs give their errors."""
    return read_grammar([_HERE / "codenames.grammar"])


@cache
def _phrases(language: int, leaf: str, held_out: bool) -> tuple[Phrase, ...]:
    """Phrases of a leaf; a leaf with too few to part keeps them for training."""
    grammar = english() if language < 0 else further_languages()[language]
    return tuple(p for p in grammar.phrases if p.leaf == leaf and is_held_out(p) == held_out)


def leaf_shares(leaves: Sequence[str] = LEAVES) -> np.ndarray:
    """Share of each of ``leaves``, shape (len(leaves),), summing to 1."""
    weights = np.array([_LEAF_WEIGHTS.get(leaf, 1.0) for leaf in leaves])
    causes = [root_cause_of(leaf) for leaf in leaves]
    totals = {cause: sum(w for w, c in zip(weights, causes, strict=True) if c is cause) for cause in set(causes)}
    shares = np.array([CAUSE_SHARES[c] * w / totals[c] for w, c in zip(weights, causes, strict=True)])
    normalised: np.ndarray = shares / shares.sum()
    return normalised


def write(leaf: str, rng: np.random.Generator, held_out: bool = False, english_only: bool = False) -> str:
    """One message for ``leaf``; from phrases never trained on if ``held_out``. Never one that is withheld.

    Raises:
        ValueError: the grammars have nothing to say about ``leaf``.
    """
    for _ in range(_MOST_TRIES):
        message = _written(leaf, rng, held_out, english_only)
        if message and not is_withheld(message):
            return message
    raise ValueError(f"the grammars say nothing about {leaf} that is not withheld")


def _written(leaf: str, rng: np.random.Generator, held_out: bool, english_only: bool) -> str:
    if rng.random() < _STYLE_SHARES["named"]:
        name = _code_name(leaf, rng, held_out)
        if rng.random() < _NAME_ALONE:
            return name
        return f"{name}: {_sentence(leaf, rng, held_out, english_only)}"
    return _sentence(leaf, rng, held_out, english_only)


def _sentence(leaf: str, rng: np.random.Generator, held_out: bool, english_only: bool) -> str:
    language = -1 if english_only or rng.random() < _SHARE_ENGLISH else int(rng.integers(len(_FURTHER)))
    phrases = _phrases(language, leaf, held_out)
    if not phrases:
        language, phrases = -1, _phrases(-1, leaf, held_out)
    grammar = english() if language < 0 else further_languages()[language]
    core = grammar.say(_one_of(phrases, rng), _pick(rng))
    return _filled(_with_asides(_dressed(core, rng, plain=language >= 0), rng), rng)


def _code_name(leaf: str, rng: np.random.Generator, held_out: bool) -> str:
    """A program's name for the error; with too few to part, all are trained on."""
    every = [phrase for phrase in code_names().phrases if phrase.leaf == leaf]
    own = [phrase for phrase in every if is_held_out(phrase) == held_out] or every
    joined, case = _one_of(_JOINED, rng)
    return joined.join(case(word) for word in code_names().say(_one_of(own, rng), _pick(rng)).split())


def _with_asides(message: str, rng: np.random.Generator) -> str:
    for where, share in _ASIDES.items():
        if rng.random() < share:
            phrases = [phrase for phrase in _asides().phrases if phrase.leaf == where]
            said = _asides().say(_one_of(phrases, rng), _pick(rng))
            message = f"{said} {message}" if where == "before" else f"{message.rstrip('.!')} {said}"
    return message


def _pick(rng: np.random.Generator) -> Pick:
    return lambda count: int(rng.integers(count))


def _one_of(choices: Sequence[_Choice], rng: np.random.Generator) -> _Choice:
    return choices[int(rng.integers(len(choices)))]


def write_many(
    count: int, seed: int, held_out: bool = False, leaves: Sequence[str] | None = None, english_only: bool = False
) -> list[Written]:
    """``count`` messages, of the leaves given or drawn by ``leaf_shares``; the same for the same seed."""
    rng = np.random.default_rng(seed)
    drawn = leaves or [LEAVES[i] for i in rng.choice(len(LEAVES), size=count, p=leaf_shares())]
    return [Written(write(leaf, rng, held_out, english_only), leaf) for leaf in drawn[:count]]


def _dressed(core: str, rng: np.random.Generator, plain: bool) -> str:
    style = "plain" if plain and rng.random() < 0.8 else _DRESSES[int(rng.choice(len(_DRESSES), p=_DRESS_SHARES))]
    frames = [p for p in _styles().phrases if p.leaf == style]
    frame = _styles().say(_one_of(frames, rng), _pick(rng))
    return frame.replace("<core>", core[:1].lower() + core[1:]).replace("<Core>", core[:1].upper() + core[1:])


def _filled(message: str, rng: np.random.Generator) -> str:
    """``message`` with each ``#`` as an id, a number or a placeholder."""
    first, *parts = message.split("#")
    filled = [first]
    for part in parts:
        filled += [_one_of(_SLOTS, rng), part]
    return "".join(filled).strip()


_DRESSES = tuple(style for style in _STYLE_SHARES if style != "named")
_DRESS_SHARES = np.array([_STYLE_SHARES[style] for style in _DRESSES]) / sum(_STYLE_SHARES[s] for s in _DRESSES)
