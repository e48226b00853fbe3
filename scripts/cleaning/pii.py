"""Personal data in text, replaced by typed placeholders: e-mail, IP, card, IBAN, phone.

Numbers that only look like a card or an account are told apart by their check digits: Luhn (ISO/IEC 7812-1) and modulus 97
(ISO 13616). What one kind has replaced, the next ones do not see.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Sequence

_EMAIL = re.compile(
    r"(?<![\w.+\-])[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w\-])"
)
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_NUMBERED = re.compile(r"\b(?:E\.?C\.?|[Ee]nzymes?|[Vv]ersions?|[Rr]elease|[Ss]ection)\b[^\n]*$")
_CARD = re.compile(r"(?<![\w.\-])\d(?:[ \-]?\d){12,18}(?![\w\-]|\.\d)")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)")
_PHONE = re.compile(
    r"(?<![\w.\-/$€£+])(?<!\d )(?:\+\d{1,3}[ .\-]?(?:\(0?\d{1,4}\)[ .\-]?)?\d{1,4}(?:[ .\-/]?\d{2,4}){1,4}"
    r"|\(\d{3}\) ?\d{3}[ .\-]\d{4}|\d{3}[.\-]\d{3}[.\-]\d{4}|0\d{2,4}[ \-/]\d{3,4}[ \-]?\d{3,4})(?![\w\-]|\.\d)"
)


def luhn(match: re.Match[str]) -> bool:
    """Tell whether the digits of a match pass Luhn's check."""
    digits = [int(character) for character in match[0] if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(match: re.Match[str]) -> bool:
    """Tell whether an account number in a match passes the check by modulus 97."""
    compact = match[0].replace(" ", "")
    moved = compact[4:] + compact[:4]
    return 15 <= len(compact) <= 34 and int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def address(match: re.Match[str]) -> bool:
    """Tell whether a match is an IP address, and not the number of an enzyme (EC 3.2.1.23) or of a version."""
    text = match[0]
    if _NUMBERED.search(match.string, max(match.start() - 40, 0), match.start()):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    clock = all(len(group) <= 2 and group.isdigit() for group in text.split(":") if group)
    return "." in text or not (clock or text.endswith(":"))


def phone(match: re.Match[str]) -> bool:
    """Tell whether a run of digits has the length of a telephone number (ITU-T E.164: at most 15)."""
    return 7 <= sum(character.isdigit() for character in match[0]) <= 15


KINDS: dict[str, tuple[tuple[re.Pattern[str], ...], Callable[[re.Match[str]], bool], str]] = {
    "email": ((_EMAIL,), bool, "<EMAIL>"),
    "iban": ((_IBAN,), iban, "<IBAN>"),
    "card": ((_CARD,), luhn, "<CARD>"),
    "ip": ((_IPV4, _IPV6), address, "<IP>"),
    "phone": ((_PHONE,), phone, "<PHONE>"),
}


def replace_pii(text: str, kinds: Sequence[str]) -> tuple[str, Counter[str]]:
    """Return the text with placeholders, and how many of each kind were replaced."""
    found: Counter[str] = Counter()
    for kind, (patterns, valid, placeholder) in KINDS.items():
        if kind not in kinds:
            continue

        def put(
            match: re.Match[str],
            kind: str = kind,
            valid: Callable[[re.Match[str]], bool] = valid,
            by: str = placeholder,
        ) -> str:
            if not valid(match):
                return match[0]
            found[kind] += 1
            return by

        for pattern in patterns:
            text = pattern.sub(put, text)
    return text, found
