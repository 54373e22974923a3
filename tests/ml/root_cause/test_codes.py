"""Knowledge of codes: documented, consistent, and extended by users without touching ours."""

from pathlib import Path

import pytest

from core_sync.errors import SettingsRefused
from ml.root_cause.causes import GUIDANCE, LEAVES, PARENT, RootCause, Subclass, root_cause_of
from ml.root_cause.codes.table import Retry, codes_with, shipped_codes


def test_every_cause_and_subclass_says_what_it_means_and_what_to_do() -> None:
    assert set(GUIDANCE) == {*RootCause, *Subclass}
    assert set(PARENT) == set(Subclass)
    assert {root_cause_of(leaf) for leaf in LEAVES} == set(RootCause)


def test_every_code_names_its_source_and_its_subclass_lies_below_its_cause() -> None:
    codes = list(shipped_codes())
    assert len(codes) > 300
    for code in codes:
        assert code.source
        assert code.meaning.endswith(".")
        assert code.subclass is None or PARENT[code.subclass] is code.root_cause


@pytest.mark.parametrize(
    ("code", "system", "cause"),
    [
        ("THROTTLED", "shopify", RootCause.TIMEOUT),
        ("QuotaExceeded", "amazon_sp_api", RootCause.TIMEOUT),
        ("TA1:025", "x12", RootCause.DUPLICATE),
        ("M7 053", "sap", RootCause.POSTING_DELAY),
        ("23505", "postgres", RootCause.DUPLICATE),
        ("INVALID_LOCATION", None, RootCause.SKU_MAPPING),
    ],
)
def test_a_documented_code_is_understood(code: str, system: str | None, cause: RootCause) -> None:
    known = shipped_codes().find(code, system)
    assert known is not None
    assert known.root_cause is cause


def test_a_bare_number_means_nothing_without_its_system() -> None:
    assert shipped_codes().find("23505", None) is None


def test_a_code_inside_a_message_is_found_and_ordinary_words_are_not() -> None:
    known = shipped_codes().in_text("call failed: QuotaExceeded (details withheld)")
    assert known is not None
    assert known.subclass is Subclass.RATE_LIMIT
    assert shipped_codes().in_text("Purchase Order was not found") is None


def test_an_unlisted_status_is_read_as_the_first_of_its_class() -> None:
    teapot = shipped_codes().status(418)
    assert teapot is not None
    assert teapot.code == "400"
    assert shipped_codes().status(200) is None


def test_a_user_extends_and_corrects_the_table_in_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'systems = ["acme"]\nsource = "Acme handbook"\n[codes]\n'
        'W17 = ["backlog", 0.9, "later", "The nightly run has not come.", "Wait for it."]\n'
    )
    known = codes_with([own]).find("w-17", "ACME")
    assert known is not None
    assert (known.subclass, known.retry) == (Subclass.BACKLOG, Retry.LATER)


@pytest.mark.parametrize(
    "row", ['["backlog", 1.5, "later", "a", "b"]', '["nonsense", 0.5, "later", "a", "b"]', '["a"]']
)
def test_a_bad_row_is_refused_and_named(tmp_path: Path, row: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(f'systems = ["acme"]\nsource = "x"\n[codes]\nW17 = {row}\n')
    with pytest.raises(SettingsRefused, match="W17"):
        codes_with([own])
