"""A grammar file: named words, and phrases by leaf.

``@name = a|b`` names words; ``= leaf`` opens a section whose further lines are phrases. In a phrase ``[a|b|]`` is a
choice, ``<name>`` a named word, ``#`` whatever names one record. Choices may hold choices.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

Pick = Callable[[int], int]
"""A choice: from ``n`` alternatives, the number of one."""

_NAME = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class Phrase:
    """One line of a grammar: the leaf it speaks of, and its text with choices."""

    leaf: str
    text: str


@dataclass(frozen=True)
class Grammar:
    """The phrases of one or more files, and the words they share."""

    phrases: tuple[Phrase, ...]
    words: Mapping[str, tuple[str, ...]]

    def say(self, phrase: Phrase, pick: Pick) -> str:
        """One sentence of ``phrase``; spaces tidied, ``#`` kept."""
        said = re.sub(r"\s+", " ", self._spoken(phrase.text, pick)).strip()
        return re.sub(r" ([,.:;!?])", r"\1", said).replace("' ", "'")

    def _spoken(self, text: str, pick: Pick) -> str:
        chosen = "".join(part if kind == "text" else self._one_of(part, pick) for kind, part in _parts(text))
        return _NAME.sub(lambda name: self._word(name.group(1), name.group(0), pick), chosen)

    def _one_of(self, body: str, pick: Pick) -> str:
        alternatives = split_choice(body)
        return self._spoken(alternatives[pick(len(alternatives))], pick)

    def _word(self, name: str, kept: str, pick: Pick) -> str:
        known = self.words.get(name)
        return self._spoken(known[pick(len(known))], pick) if known else kept


def read_grammar(files: Sequence[Path]) -> Grammar:
    """The grammar in ``files`` together.

    Raises:
        ValueError: a phrase before the first section, or brackets that do not close; names file and line.
    """
    phrases: list[Phrase] = []
    words: dict[str, tuple[str, ...]] = {}
    for file in files:
        leaf = ""
        for number, raw in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            line = raw.strip()
            if not line or line.startswith("# "):
                continue
            if line.startswith("@"):
                name, _, choices = line[1:].partition("=")
                words[name.strip()] = split_choice(choices.strip())
            elif line.startswith("= "):
                leaf = line[2:].strip()
            elif not leaf or line.count("[") != line.count("]"):
                raise ValueError(f"{file.name}, line {number}: {'no section' if not leaf else 'brackets'}: {line}")
            else:
                phrases.append(Phrase(leaf, line))
    return Grammar(tuple(phrases), words)


@lru_cache(maxsize=20_000)
def split_choice(body: str) -> tuple[str, ...]:
    """The alternatives of a choice, parted by ``|`` outside inner brackets."""
    found, depth = [""], 0
    for sign in body:
        depth += {"[": 1, "]": -1}.get(sign, 0)
        if sign == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += sign
    return tuple(found)


@lru_cache(maxsize=20_000)
def _parts(text: str) -> tuple[tuple[str, str], ...]:
    """``text`` cut into plain text and the bodies of its outermost choices."""
    parts: list[tuple[str, str]] = []
    plain, body, depth = "", "", 0
    for sign in text:
        if sign == "[":
            if depth == 0:
                parts.append(("text", plain))
                plain = ""
            else:
                body += sign
            depth += 1
        elif sign == "]":
            depth -= 1
            if depth == 0:
                parts.append(("choice", body))
                body = ""
            else:
                body += sign
        elif depth:
            body += sign
        else:
            plain += sign
    return (*parts, ("text", plain))
