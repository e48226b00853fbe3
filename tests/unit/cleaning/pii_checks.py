"""Check digits of the labelled PII set, from the published rules and apart from those that the cleaning uses.

Each function takes a number as printed, separators and all, and says whether its check digits hold. Where a country's
number has none (United States, United Kingdom, India's PAN) the function checks its form.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

# Rows of Verhoeff's tables: multiplication in the dihedral group of ten elements, and powers of his permutation.
_DIHEDRAL = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_PERMUTATION = (
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
)
_ITALIAN_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def _digits(text: str) -> list[int]:
    return [int(character) for character in text if character.isdigit()]


def _plain(text: str) -> str:
    return re.sub(r"[\s./-]", "", text).upper()


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(_digits(text))):
        total += digit if place % 2 == 0 else (2 * digit - 9 if digit > 4 else 2 * digit)
    return total % 10 == 0


def iban(text: str) -> bool:
    """ISO 13616-1: ISO 7064 MOD 97-10 over the number with its first four characters moved to the end."""
    plain = _plain(text)
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def ean(text: str) -> bool:
    """GS1 General Specifications: weights 1 and 3, to a multiple of ten (EAN-13, ISBN-13)."""
    return sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(_digits(text))) % 10 == 0


def isbn10(text: str) -> bool:
    """ISO 2108 (before 2007): weights 10 to 1, to a multiple of eleven."""
    values = [
        10 if character == "X" else int(character) for character in text if character.isdigit() or character == "X"
    ]
    return sum(value * weight for value, weight in zip(values, range(10, 0, -1), strict=True)) % 11 == 0


def cas(text: str) -> bool:
    """CAS Registry Number: digits weighted by their place from the right, modulo ten."""
    *rest, last = _digits(text)
    return sum(digit * place for place, digit in enumerate(reversed(rest), 1)) % 10 == last


def mod_11_2(text: str) -> bool:
    """ISO 7064 MOD 11-2 (ORCID, ISNI, Chinese resident identity number, GB 11643)."""
    plain = _plain(text)
    total = 0
    for character in plain[:-1]:
        total = (total + int(character)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == plain[-1]


def _united_states(text: str) -> bool:
    return re.fullmatch(r"(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}", text) is not None


def _united_kingdom(text: str) -> bool:
    plain = _plain(text)
    prefix = r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
    return re.fullmatch(prefix + r"\d{6}[A-D]", plain) is not None


def _germany(text: str) -> bool:
    digits = _digits(text)
    repeated = sorted(count for count in Counter(digits[:10]).values() if count > 1)
    product = 10
    for digit in digits[:10]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return len(digits) == 11 and digits[0] != 0 and repeated in ([2], [3]) and (11 - product) % 10 == digits[10]


def _france(text: str) -> bool:
    plain = _plain(text).replace("2A", "19").replace("2B", "18")
    return len(plain) == 15 and 97 - int(plain[:13]) % 97 == int(plain[13:])


def _spain(text: str) -> bool:
    plain = _plain(text)
    number = plain[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return len(plain) == 9 and "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == plain[-1]


def _italy(text: str) -> bool:
    plain = _plain(text)
    if not re.fullmatch(r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]", plain):
        return False
    values = [int(character) if character.isdigit() else ord(character) - 65 for character in plain]
    total = sum(_ITALIAN_ODD[value] if place % 2 == 0 else value for place, value in enumerate(values[:15]))
    return total % 26 == values[15]


def _netherlands(text: str) -> bool:
    digits = _digits(text)
    return (
        len(digits) == 9 and (sum(d * w for d, w in zip(digits, range(9, 1, -1), strict=False)) - digits[8]) % 11 == 0
    )


def _belgium(text: str) -> bool:
    plain = _plain(text)
    return len(plain) == 11 and int(plain[9:]) in (97 - int(plain[:9]) % 97, 97 - int("2" + plain[:9]) % 97)


def _poland(text: str) -> bool:
    digits = _digits(text)
    return (
        len(digits) == 11
        and sum(d * w for d, w in zip(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), strict=True)) % 10 == 0
    )


def _sweden(text: str) -> bool:
    digits = "".join(map(str, _digits(text)))
    return len(digits) in (10, 12) and luhn(digits[-10:])


def _finland(text: str) -> bool:
    plain = text.upper()
    number = int(plain[:6] + plain[7:10])
    return len(plain) == 11 and "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31] == plain[10]


def _brazil(text: str) -> bool:
    digits = _digits(text)
    checks = [
        sum(d * w for d, w in zip(digits, range(count + 1, 1, -1), strict=False)) * 10 % 11 % 10 for count in (9, 10)
    ]
    return len(digits) == 11 and checks == digits[9:]


def _india(text: str) -> bool:
    """Aadhaar (Verhoeff's scheme) or PAN (a person's has `P` as its fourth letter)."""
    plain = _plain(text)
    if not plain.isdigit():
        return re.fullmatch(r"[A-Z]{3}P[A-Z]\d{4}[A-Z]", plain) is not None
    state = 0
    for place, digit in enumerate(reversed(_digits(plain))):
        state = int(_DIHEDRAL[state][int(_PERMUTATION[place % 8][digit])])
    return len(plain) == 12 and plain[0] > "1" and state == 0


def _china(text: str) -> bool:
    return len(text) == 18 and mod_11_2(text)


def _canada(text: str) -> bool:
    return len(_digits(text)) == 9 and luhn("".join(map(str, _digits(text))))


def _switzerland(text: str) -> bool:
    digits = _digits(text)
    return digits[:3] == [7, 5, 6] and (sum(digits[:12:2]) + 3 * sum(digits[1:12:2]) + digits[12]) % 10 == 0


def _norway(text: str) -> bool:
    digits = _digits(text)
    first = -sum(d * w for d, w in zip(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2), strict=False)) % 11
    second = -sum(d * w for d, w in zip(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=False)) % 11
    return digits[9:] == [first, second]


def _romania(text: str) -> bool:
    digits = _digits(text)
    check = sum(d * int(w) for d, w in zip(digits, "279146358279", strict=False)) % 11
    return len(digits) == 13 and digits[12] == (1 if check == 10 else check)


def _turkey(text: str) -> bool:
    digits = _digits(text)
    tenth = (7 * sum(digits[:9:2]) - sum(digits[1:8:2])) % 10
    return len(digits) == 11 and digits[9:] == [tenth, sum(digits[:10]) % 10]


def _korea(text: str) -> bool:
    digits = _digits(text)
    check = (11 - sum(d * int(w) for d, w in zip(digits, "234567892345", strict=False)) % 11) % 10
    return len(digits) == 13 and digits[12] == check


NATIONAL_IDS: dict[str, Callable[[str], bool]] = {
    "BE": _belgium,
    "BR": _brazil,
    "CN": _china,
    "DE": _germany,
    "ES": _spain,
    "FI": _finland,
    "FR": _france,
    "IN": _india,
    "IT": _italy,
    "NL": _netherlands,
    "PL": _poland,
    "SE": _sweden,
    "UK": _united_kingdom,
    "US": _united_states,
}
# Of countries that came after the labelled set, which has none of theirs.
LATER_NATIONAL_IDS: dict[str, Callable[[str], bool]] = {
    "CA": _canada,
    "CH": _switzerland,
    "KR": _korea,
    "NO": _norway,
    "RO": _romania,
    "TR": _turkey,
}
