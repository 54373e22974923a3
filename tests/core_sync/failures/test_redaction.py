"""What is kept of an exchange holds no secret and stays short, whatever it was."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_sync.failures.redaction import LENGTH_MAX, REDACTED, fit_to_keep, redacted, redacted_text, secrets_in

SECRET = "Zx9-secret-Zx9"
PRIVATE = st.sampled_from(
    ["email", "accessToken", "x-api-key", "password", "first_name", "shippingAddress", "phone", "zip"]
)
PUBLIC = st.sampled_from(["sku", "quantity", "name", "message", "code", "capacity", "key", "field"])
WORDS = st.text(string.ascii_lowercase + string.digits + " /_", max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(PUBLIC, inner, max_size=4)
        | st.dictionaries(PRIVATE, st.just(SECRET) | st.just([SECRET]) | st.just({"value": SECRET}), max_size=2)
    ),
    max_leaves=20,
)


@given(JSON)
def test_private_fields_are_redacted_at_any_depth_and_the_rest_stays(told: object) -> None:
    kept = fit_to_keep(json.dumps(told))
    assert SECRET not in kept
    if SECRET not in json.dumps(told) and isinstance(told, dict | list) and len(kept) < LENGTH_MAX:
        assert json.loads(kept) == told


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_secret_is_redacted_wherever_it_stands(before: str, after: str) -> None:
    assert SECRET not in fit_to_keep(before + SECRET + after, [SECRET])


@given(st.text(max_size=50), st.integers(0, 20_000))
def test_what_is_kept_is_short_and_says_how_long_it_was(told: str, times: int) -> None:
    kept = fit_to_keep(told * times)
    assert len(kept) <= LENGTH_MAX
    if len(told * times) > 2 * LENGTH_MAX:
        assert f"{len(told * times)} characters" in kept


def test_a_megabyte_of_one_letter_is_no_trouble() -> None:
    for letter in ("a", "9", "[", "@", "&token", '"', "~PER*"):
        assert len(fit_to_keep(letter * 1_000_000)) <= LENGTH_MAX


def test_json_that_breaks_off_is_redacted_as_far_as_it_goes() -> None:
    kept = fit_to_keep('{"order": {"email": "ann@example.invalid", "accessToken": "abc", "sku": "MUG", "phone": "55501')
    assert "MUG" in kept
    assert all(word not in kept for word in ("ann", "abc", "5550"))


def test_people_and_places_of_an_interchange_are_redacted() -> None:
    kept = fit_to_keep("GS*PO*A*B~\nPER*IC*ANN EXAMPLE*TE*5550100~\nN3*1 HIGH STREET~N4*BATH*~\nLIN*1*SK*MUG~")
    assert all(word not in kept for word in ("ANN", "5550100", "STREET", "BATH"))
    assert "LIN*1*SK*MUG" in kept
    assert kept.count(REDACTED) == 3


def test_credentials_in_addresses_are_redacted() -> None:
    kept = fit_to_keep("PUT /documents/7?X-Amz-Signature=abcdef&X-Amz-Credential=AKIA&part=1 Bearer eyJ.x.y")
    told = f"PUT /documents/7?X-Amz-Signature={REDACTED}&X-Amz-Credential={REDACTED}&part=1 Bearer {REDACTED}"
    assert kept == told


def test_headers_that_name_a_credential_are_secret() -> None:
    headers = [("Authorization", "Bearer t"), ("X-Shopify-Access-Token", "u"), ("idempotency-key", "k")]
    assert secrets_in(headers) == {"Bearer t", "u"}


@pytest.mark.parametrize(
    "private",
    [
        "4111 1111 1111 1111",
        "4111111111111111",
        "5500-0000-0000-0004",
        "378282246310005",
        "+49 30 901820",
        "+1 (555) 010-9999",
        "+442079460000",
        "ann.example@mail.example.invalid",
        "Bearer eyJhbGciOi.J9.x-y",
    ],
)
def test_cards_telephones_mail_and_tokens_in_text_are_redacted(private: str) -> None:
    assert redacted_text(f"refused for {private}, order SO-1") == (
        f"refused for {'Bearer ' if 'Bearer' in private else ''}{REDACTED}, order SO-1"
    )


def test_a_telephone_number_that_says_so_is_redacted_without_a_country_code() -> None:
    assert redacted_text("call the buyer, tel. 030 901820-11") == f"call the buyer, tel. {REDACTED}"


@pytest.mark.parametrize(
    "public",
    [
        "MUG-1000-D at EAST-01: 4006381333931 is no SKU of ours",  # a GTIN, whose check digit is another
        "gid://shopify/InventoryItem/44000000007919",
        "order SO-100234 line 1 at 2026-03-02T08:00:00+00:00",
        "stock +12 - 3, id 4111111111111112, 17-digit 41111111111111111",
        "patch 3fa85f64-5717-4562-b3fc-2c963f66afa6 refused",
        "expected 120 found 118",
    ],
)
def test_codes_quantities_and_times_stay(public: str) -> None:
    assert redacted_text(public) == public


def test_private_fields_and_texts_of_a_structure_are_redacted_and_the_rest_is_as_it_was() -> None:
    told = {"line": 3, "buyer": {"name": "Ann"}, "notes": ["mail ann@mail.example.invalid", 7], "sku": "MUG"}
    assert redacted(told) == {"line": 3, "buyer": REDACTED, "notes": [f"mail {REDACTED}", 7], "sku": "MUG"}


@given(JSON)
def test_what_is_redacted_once_stays_as_it_is(told: object) -> None:
    assert redacted(redacted(told)) == redacted(told)
