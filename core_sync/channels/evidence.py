"""Requests and answers made fit to be kept: without secrets, without personal data, and short."""

import json
import re
from collections.abc import Collection
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


def secrets_in(headers: Collection[tuple[str, str]]) -> frozenset[str]:
    """The values of headers that nobody else may see."""
    return frozenset(value for name, value in headers if value and _SECRET_HEADER.search(name))


def fit_to_keep(text: str, secrets: Collection[str] = ()) -> str:
    """``text`` without ``secrets``, credentials and personal data, at most ``LENGTH_MAX`` characters long."""
    whole = len(text)
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    # What is cut in the middle here is cut off altogether below, so that no half of a secret stays.
    text = _without_private_fields(text)[: 2 * LENGTH_MAX]
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    if len(text) <= LENGTH_MAX and whole <= 2 * LENGTH_MAX:
        return text
    told = f"… ({whole} characters)"
    return text[: LENGTH_MAX - len(told)] + told


def _without_private_fields(text: str) -> str:
    """JSON with the values of private fields replaced, as far as it is JSON; anything else as it is."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.dumps(_redacted(json.loads(text)), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return _FIELD_IN_TEXT.sub(_private_field, text)


def _private_field(found: re.Match[str]) -> str:
    return f'{found[1]}"{REDACTED}"' if _is_private(found[2]) else found[0]


def _redacted(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: REDACTED if value and _is_private(name) else _redacted(value) for name, value in told.items()}
    if isinstance(told, list):
        return [_redacted(one) for one in told]
    return told


def _is_private(name: str) -> bool:
    return _PRIVATE_FIELD.search(_WORD_BEGINS.sub("_", name).replace("-", "_")) is not None
