"""Our own wording: broad, the same for the same seed, and never what is kept for evaluation."""

import json
import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

from ml.root_cause.causes import LEAVES
from ml.root_cause.codes.table import shipped_codes
from ml.training.wording.grammar import read_grammar
from ml.training.wording.withheld import SAME, runs_of
from ml.training.wording.writer import code_names, english, further_languages, is_held_out, write_many

_DATA = Path(os.environ.get("STOCKTRIAGE_SHARED_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))


def test_every_leaf_can_be_said_in_seven_languages_and_is_held_out_in_english() -> None:
    for leaf in LEAVES:
        assert any(phrase.leaf == leaf and is_held_out(phrase) for phrase in english().phrases), leaf
        for grammar in further_languages():
            assert any(phrase.leaf == leaf for phrase in grammar.phrases), leaf


def test_no_phrase_names_a_leaf_or_a_word_that_does_not_exist() -> None:
    for grammar in (english(), code_names(), *further_languages()):
        assert {phrase.leaf for phrase in grammar.phrases} <= set(LEAVES)
        named = {name for phrase in grammar.phrases for name in re.findall(r"<(\w+)>", phrase.text)}
        assert named <= set(grammar.words)
    assert not [one.message for one in write_many(3_000, seed=5) if "<core>" in one.message.lower()]


def test_programs_name_the_error_of_every_leaf_in_words_joined_as_they_join_them() -> None:
    assert {phrase.leaf for phrase in code_names().phrases} == set(LEAVES)
    said = {one.message for one in write_many(1_500, seed=6, leaves=["unmapped_sku"] * 1_500)}
    for joined in (r"[A-Z]+(_[A-Z]+)+", r"[a-z]+(_[a-z]+)+", r"([A-Z][a-z]+){2,}", r"[a-z]+(\.[a-z]+)+"):
        assert any(re.fullmatch(joined, message) for message in said), joined


def test_the_same_seed_writes_the_same_messages_and_another_seed_others() -> None:
    assert write_many(50, seed=1) == write_many(50, seed=1)
    assert write_many(50, seed=1) != write_many(50, seed=2)


def test_the_vocabulary_is_wide() -> None:
    messages = [one.message for one in write_many(4_000, seed=8)]
    assert len(set(messages)) > 0.9 * len(messages)
    assert len({word for message in messages for word in message.lower().split()}) > 2_500


def test_choices_nest_and_a_phrase_outside_a_section_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "small.grammar"
    file.write_text("@what = stock|goods\n= outage\n[a [b|c]|d] <what>\n")
    grammar = read_grammar([file])
    said = {grammar.say(grammar.phrases[0], lambda n, k=k: k % n) for k in range(6)}  # type: ignore[misc]  # default binds k
    assert said <= {"a b stock", "a c stock", "a b goods", "a c goods", "d stock", "d goods"}
    file.write_text("a phrase without a section\n")
    with pytest.raises(ValueError, match="line 1"):
        read_grammar([file])


def test_no_evaluation_text_is_in_the_training_texts_or_the_code_table() -> None:
    file = _DATA / "failures_dev.jsonl"
    if not file.exists():
        pytest.skip(f"no evaluation messages at {file}")
    evaluation = [runs_of(json.loads(line)["text"]) for line in file.read_text(encoding="utf-8").splitlines()]
    codes = [text for code in shipped_codes() for text in (code.meaning, code.operator_does)]
    written = [one.message for one in (*write_many(6_000, seed=7), *write_many(1_500, seed=11, held_out=True))]
    for kind in range(2):
        where: dict[str, list[int]] = defaultdict(list)
        for at, runs in enumerate(evaluation):
            for run in runs[kind]:
                where[run].append(at)
        for ours in {*codes, *written}:
            own = runs_of(ours)[kind]
            shared: dict[int, int] = defaultdict(int)
            for run in own:
                for at in where.get(run, ()):
                    shared[at] += 1
            near = [n for at, n in shared.items() if n >= SAME * (len(own) + len(evaluation[at][kind]) - n)]
            assert not near, ours
