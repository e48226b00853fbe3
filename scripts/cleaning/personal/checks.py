"""Check digits and dates by which real numbers are told from others that look alike. Arguments are compact: no separators."""

from __future__ import annotations

from collections import Counter
from datetime import date

_TIMES = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_SHUFFLE = (
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
)
_LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_ODD_PLACES = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def luhn(digits: str) -> bool:
    """Tell whether digits pass Luhn's check (ISO/IEC 7812-1, annex B)."""
    values = [ord(digit) - 48 for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_LUHN_DOUBLED[value] for value in values[1::2])) % 10 == 0


def mod_97(account: str) -> bool:
    """Tell whether an IBAN passes ISO 7064 MOD 97-10, its first four characters moved to the end."""
    return int("".join(str(int(character, 36)) for character in account[4:] + account[:4])) % 97 == 1


def issn(digits: str) -> bool:
    """Tell whether eight digits pass the check of serials (ISO 3297)."""
    return weighted(digits, (8, 7, 6, 5, 4, 3, 2, 1), 11) == 0


def mod_11_2(number: str) -> bool:
    """Tell whether a number, its last character a digit or X, passes ISO 7064 MOD 11-2."""
    total = 0
    for character in number[:-1]:
        total = (total + ord(character) - 48) * 2
    return "0123456789X"[(12 - total % 11) % 11] == number[-1]


def verhoeff(digits: str) -> bool:
    """Tell whether digits pass Verhoeff's check."""
    state = 0
    for place, digit in enumerate(reversed(digits)):
        state = int(_TIMES[state][int(_SHUFFLE[place % 8][int(digit)])])
    return state == 0


def weighted(digits: str, weights: tuple[int, ...], modulus: int) -> int:
    """Return the weighted sum of digits by a modulus."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False)) % modulus


def is_date(year: int, month: int, day: int) -> bool:
    """Tell whether a day exists."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def german(digits: str) -> bool:
    """Steueridentifikationsnummer: ISO 7064 MOD 11,10; of the first ten digits one or two occur more than once."""
    repeated = sorted(count for count in Counter(digits[:10]).values() if count > 1)
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return digits[0] != "0" and repeated in ([2], [3]) and (11 - product) % 10 == int(digits[10])


def french(number: str) -> bool:
    """NIR with its key (modulus 97); Corsica's departments 2A and 2B count as 19 and 18; months from 20 on are fictive."""
    number = number.upper()
    month = int(number[3:5])
    plain = number.replace("2A", "19").replace("2B", "18")
    known = 1 <= month <= 12 or 20 <= month <= 42 or month >= 50
    return known and plain.isdigit() and 97 - int(plain[:13]) % 97 == int(plain[13:])


def spanish(number: str) -> bool:
    """DNI, or NIE with X, Y or Z for its first digit: a letter by modulus 23."""
    number = number.upper()
    plain = number[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(plain) % 23] == number[-1]


def italian(code: str) -> bool:
    """Codice fiscale: weights by place, modulus 26."""
    values = [int(character, 36) - (0 if character.isdigit() else 10) for character in code.upper()]
    total = sum(_ODD_PLACES[value] if place % 2 == 0 else value for place, value in enumerate(values[:15]))
    return total % 26 == values[15]


def dutch(digits: str) -> bool:
    """Burgerservicenummer: weights nine to two, minus the last, to a multiple of eleven."""
    return len(set(digits)) > 1 and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11) == 0


def belgian(digits: str) -> bool:
    """Rijksregisternummer: 97 minus the rest by 97, with a 2 before the number for those born from 2000 on."""
    month, day = int(digits[2:4]), int(digits[4:6])
    born = month % 20 <= 12 and day <= 31
    later = digits[:2] < "40" and int(digits[9:]) == 97 - int("2" + digits[:9]) % 97
    return born and (later or int(digits[9:]) == 97 - int(digits[:9]) % 97)


def polish(digits: str) -> bool:
    """PESEL: weights to a multiple of ten; the month tells the century."""
    month, day = int(digits[2:4]), int(digits[4:6])
    year = (1900, 2000, 2100, 2200, 1800)[month // 20] + int(digits[:2])
    return is_date(year, month % 20, day) and weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10) == 0


def swedish(digits: str) -> bool:
    """Personnummer of ten or twelve digits: Luhn over the last ten; a coordination number adds 60 to the day."""
    year, month, day = int(digits[:-8]), int(digits[-8:-6]), int(digits[-6:-4])
    century = year if len(digits) == 12 else 2000 + year
    known = 1850 <= century <= 2100 and 1 <= month <= 12 and (1 <= day <= 31 or 61 <= day <= 91)
    return known and luhn(digits[-10:])


def finnish(code: str) -> bool:
    """Henkilötunnus: a character by modulus 31 over date and individual number."""
    code = code.upper()
    known = 1 <= int(code[:2]) <= 31 and 1 <= int(code[2:4]) <= 12
    return known and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(code[:6] + code[-4:-1]) % 31] == code[-1]


def brazilian(digits: str) -> bool:
    """CPF: two check digits by modulus eleven."""
    checks = [
        sum(int(d) * w for d, w in zip(digits, range(n + 1, 1, -1), strict=False)) * 10 % 11 % 10 for n in (9, 10)
    ]
    return len(set(digits)) > 1 and f"{checks[0]}{checks[1]}" == digits[9:]


def chinese(number: str) -> bool:
    """Resident identity number (GB 11643): province, date of birth, ISO 7064 MOD 11-2."""
    born = is_date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    return number[0] in "1234568" and number[6:8] in ("18", "19", "20") and born and mod_11_2(number.upper())


def indian(digits: str) -> bool:
    """Aadhaar: twelve digits, the first from 2 on, Verhoeff."""
    return digits[0] > "1" and verhoeff(digits)


def canadian(digits: str) -> bool:
    """Social Insurance Number: Luhn; none begins with 8."""
    return digits[0] != "8" and len(set(digits)) > 1 and luhn(digits)


def swiss(digits: str) -> bool:
    """AHV number: the code of the country (756) and the check digit of an EAN."""
    return digits.startswith("756") and weighted(digits, (1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1), 10) == 0


def norwegian(digits: str) -> bool:
    """Fødselsnummer, or D-number with 40 added to the day: two check digits by modulus eleven."""
    day = int(digits[:2])
    born = 1 <= (day - 40 if day > 40 else day) <= 31 and 1 <= int(digits[2:4]) <= 12
    first = weighted(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), 11)
    return born and first == 0 and weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1), 11) == 0


def romanian(digits: str) -> bool:
    """Cod numeric personal: sex and century, date of birth, a digit by modulus eleven, 10 being 1."""
    born = digits[0] != "0" and 1 <= int(digits[3:5]) <= 12 and 1 <= int(digits[5:7]) <= 31
    check = weighted(digits, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9), 11)
    return born and (1 if check == 10 else check) == int(digits[12])


def turkish(digits: str) -> bool:
    """T.C. Kimlik number: two check digits by modulus ten."""
    tenth = weighted(digits[:9], (7, 9, 7, 9, 7, 9, 7, 9, 7), 10)  # 9 is -1
    return digits[0] != "0" and tenth == int(digits[9]) and weighted(digits[:10], (1,) * 10, 10) == int(digits[10])


def korean(digits: str) -> bool:
    """Resident registration number: date of birth, sex and century, and (until 2020) a digit by modulus eleven."""
    born = 1 <= int(digits[2:4]) <= 12 and 1 <= int(digits[4:6]) <= 31 and digits[6] in "12345678"
    return born and (11 - weighted(digits[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), 11)) % 10 == int(digits[12])
