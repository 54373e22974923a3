"""Whatever is kept as evidence is made fit to be kept here: without secrets, without personal data, and short.

Credentials and people are known by the names of their fields and by their shape in text: addresses of mail,
telephone numbers with a country code or a word before them, card numbers that pass their check digit.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

LENGTH_MAX = 2_000
"""Characters of a request or an answer that are kept; the rest is cut off, and said to be."""

REDACTED = "[redacted]"

_SECRET_HEADER = re.compile(r"token|authorization|secret|api-?key|cookie|signature", re.IGNORECASE)
_PRIVATE_FIELD = re.compile(
    r"token|secret|passw|authori[sz]ation|api_?key|credential|cookie|signature"
    r"|e_?mail|phone|fax|(^|_)(first|last|full|family|given|middle|contact|buyer|customer|recipient)_?name$"
    r"|^(buyer|customer|recipient|contact)$|address|street|(^|_)(zip|city|iban|ssn|latitude|longitude)(_|$)|post(al)?_?code",
    re.IGNORECASE,
)
_FIELD_IN_TEXT = re.compile(r'("([\w-]{1,64})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,{}\[\]"]+)')
_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_IN_TEXT = (
    (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(\.[\w-]{1,64})+"), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic)\s{1,8}[\w.~+/=-]+"), rf"\1 {REDACTED}"),
    (
        re.compile(r"(?i)([?&][\w-]{0,40}(?:token|secret|key|signature|credential)[\w-]{0,40}=)[^&\s\"']+"),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"((?:^|[~}'\r\n])\s*(?:PER|NM1|N2|N3|N4))([*~|^])[^\r\n]*?(?=[~}'\r\n]|$)"), rf"\1\2{REDACTED}"),
)
"""Addresses of mail, credentials in text and in URLs, and the X12 segments that tell of people and places.

Every repetition is bounded: an answer may be a megabyte of one letter.
"""

_CARD = re.compile(r"(?<![\d.-])\d{4}[ -]?(?:\d{4}[ -]?\d{4}[ -]?\d{4}|\d{6}[ -]?\d{5})(?![\d.-])")
_CARD_BEGINS = re.compile(r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|35|6011|65")
"""How the numbers of the card schemes begin (ISO/IEC 7812); article numbers of 8 to 14 digits are no cards."""

_PHONE = re.compile(r"\+\d{1,3}(?:[ ().-]{0,2}\d{2,4}){2,5}(?!\d)")
_PHONE_DIGITS_MIN = 8
_NAMED_PHONE = re.compile(r"(?i)\b((?:tele)?(?:phone|fax)|mobile|tel|fon)([.:]?\s{1,3}|[.:])[\d(][\d ()/.-]{5,20}\d")
_MAY_BE_PRIVATE = re.compile(r"(?i)[@+~]|bearer|basic|[?&]|phone|fax|mobile|tel|fon|\d{4}[ -]?\d{4,6}[ -]?\d{4}")
"""What has none of these needs no closer look."""


def secrets_in(headers: Collection[tuple[str, str]]) -> frozenset[str]:
    """The values of headers that nobody else may see."""
    return frozenset(value for name, value in headers if value and _SECRET_HEADER.search(name))


def fit_to_keep(text: str, secrets: Collection[str] = ()) -> str:
    """``text`` without ``secrets``, credentials and personal data, at most ``LENGTH_MAX`` characters long."""
    whole = len(text)
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    # What is cut in the middle here is cut off altogether below, so that no half of a secret stays.
    text = redacted_text(_without_private_fields(text)[: 2 * LENGTH_MAX])
    if len(text) <= LENGTH_MAX and whole <= 2 * LENGTH_MAX:
        return text
    told = f"… ({whole} characters)"
    return text[: LENGTH_MAX - len(told)] + told


def redacted_text(text: str) -> str:
    """``text`` with credentials and personal data replaced that are known by their shape."""
    if not _MAY_BE_PRIVATE.search(text):
        return text
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    text = _CARD.sub(lambda found: REDACTED if _is_card(found[0]) else found[0], text)
    text = _PHONE.sub(lambda found: REDACTED if _digits(found[0]) >= _PHONE_DIGITS_MIN else found[0], text)
    return _NAMED_PHONE.sub(rf"\1\2{REDACTED}", text)


def redacted(told: Any) -> Any:
    """``told``, any JSON, with the values of private fields replaced, and private parts of its texts."""
    if isinstance(told, Mapping):
        return {name: REDACTED if value and _is_private(name) else redacted(value) for name, value in told.items()}
    if isinstance(told, list | tuple):
        return [redacted(one) for one in told]
    return redacted_text(told) if isinstance(told, str) else told


def _without_private_fields(text: str) -> str:
    """JSON with the values of private fields replaced, as far as it is JSON; anything else as it is."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.dumps(_without_private(json.loads(text)), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return _FIELD_IN_TEXT.sub(_private_field, text)


def _private_field(found: re.Match[str]) -> str:
    return f'{found[1]}"{REDACTED}"' if _is_private(found[2]) else found[0]


def _without_private(told: Any) -> Any:
    if isinstance(told, dict):
        return {n: REDACTED if value and _is_private(n) else _without_private(value) for n, value in told.items()}
    if isinstance(told, list):
        return [_without_private(one) for one in told]
    return told


def _is_private(name: str) -> bool:
    return _PRIVATE_FIELD.search(_WORD_BEGINS.sub("_", name).replace("-", "_")) is not None


def _digits(text: str) -> int:
    return sum(letter.isdigit() for letter in text)


def _is_card(text: str) -> bool:
    """Whether digits are the number of a card: by how it begins, and by its check digit (Luhn)."""
    digits = [int(letter) for letter in text if letter.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0 and _CARD_BEGINS.match("".join(map(str, digits))) is not None
