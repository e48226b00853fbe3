"""Personal data in text, found and replaced by typed placeholders.

A compiled pass names the few places where anything could be; patterns, the words before and check digits decide there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from scripts.cleaning.personal.accounts import broken_ibans, cards, ibans
from scripts.cleaning.personal.emails import emails
from scripts.cleaning.personal.national_ids import national_ids
from scripts.cleaning.personal.network import addresses
from scripts.cleaning.personal.phones import phones
from scripts.cleaning.personal.scan import scan
from scripts.cleaning.personal.streets import streets

# The order of precedence: what a kind has found, those below do not see, whether or not it is asked for.
PLACEHOLDERS = {
    "email": "<EMAIL>",
    "iban": "<IBAN>",
    "card": "<CARD>",
    "ip": "<IP>",
    "national_id": "<NATIONAL_ID>",
    "phone": "<PHONE>",
    "street_address": "<ADDRESS>",
}
KINDS = tuple(PLACEHOLDERS)
Found = tuple[int, int, str]


def find_pii(text: str, kinds: Sequence[str] = KINDS) -> list[Found]:
    """Return `(start, end, kind)` of the personal data of some kinds, in order, none overlapping another."""
    return [(start, end, kind) for start, end, kind, _ in _find(text, kinds)]


def replace_pii(text: str, kinds: Sequence[str] = KINDS) -> tuple[str, Counter[str]]:
    """Return the text with placeholders, and how many of each kind were replaced."""
    replaced, counts, _ = replace_by_country(text, kinds)
    return replaced, counts


def replace_by_country(text: str, kinds: Sequence[str] = KINDS) -> tuple[str, Counter[str], Counter[str]]:
    """Return the text with placeholders, how many of each kind were replaced, and the national ids among them by country."""
    found = _find(text, kinds)
    pieces: list[str] = []
    counts: Counter[str] = Counter()
    countries: Counter[str] = Counter()
    place = 0
    for start, end, kind, country in found:
        pieces += (text[place:start], PLACEHOLDERS[kind])
        place = end
        counts[kind] += 1
        if country:
            countries[country] += 1
    return "".join([*pieces, text[place:]]), counts, countries


def _find(text: str, kinds: Sequence[str]) -> list[tuple[int, int, str, str]]:
    scanned = scan(text)
    if not scanned.places and "street_address" not in kinds:
        return []
    taken = bytearray(len(text))
    found: list[tuple[int, int, str, str]] = []

    def take(kind: str, spans: Iterable[tuple[int, int, str]]) -> None:
        for start, end, country in spans:
            if taken.find(1, start, end) < 0:
                taken[start:end] = b"\1" * (end - start)
                if kind in kinds:
                    found.append((start, end, kind, country))

    for kind, finder in (("email", emails), ("iban", ibans), ("card", cards), ("ip", addresses)):
        take(kind, ((start, end, "") for start, end in finder(scanned)))
    take("national_id", national_ids(scanned))
    for start, end in broken_ibans(scanned):
        taken[start:end] = b"\1" * (end - start)
    if "phone" in kinds or "street_address" in kinds:
        take("phone", [(start, end, "") for start, end in phones(scanned, taken)])
    if "street_address" in kinds:
        take("street_address", ((start, end, "") for start, end in streets(scanned.text)))
    return sorted(found)
