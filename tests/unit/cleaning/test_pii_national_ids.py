"""National ids by country: forms, check digits, and the words without which a plain run of digits is none.

The numbers are examples that the countries' offices publish or that were made up and given their check digits; each passes the
rule of `pii_checks`, which was written apart.
"""

from __future__ import annotations

import pytest

from scripts.cleaning.pii import replace_by_country
from tests.unit.cleaning.pii_checks import LATER_NATIONAL_IDS, NATIONAL_IDS

CHECKS = NATIONAL_IDS | LATER_NATIONAL_IDS
# Enough by their form.
ALONE = {
    "US": ["219-09-9999", "321-54-7788"],
    "UK": ["AB 12 34 56 C", "HH 01 02 03 D"],
    "FR": ["2 55 08 14 168 025 38", "255081416802538"],
    "ES": ["54362315K", "54362315-K", "54.362.315-K", "X2482300W", "X-2482300-W"],
    "IT": ["RCCMNL83S18D969H", "RCC MNL 83S18 D969H"],
    "BE": ["85.07.30-033.28", "85.07.30 033 28"],
    "SE": ["19811228-9874", "811228-9874"],
    "FI": ["131052-308T", "131052A308T"],
    "BR": ["390.533.447-05", "390.533.447/05"],
    "IN": ["ABCPA1234F"],
    "CN": ["360426199101010071", "11010519491231002X"],
    "CH": ["756.9217.0769.85"],
    "KR": ["860512-1234563"],
}
# Only beside a word for them.
NAMED = {
    "US": [("SSN", "219 09 9999"), ("social security number:", "219099999")],
    "UK": [("National Insurance number", "ab123456c")],
    "DE": [("Steuer-ID", "86 095 742 719"), ("IdNr.", "36574261809"), ("Identifikationsnummer:", "36 574 261 809")],
    "NL": [("BSN", "111222333"), ("burgerservicenummer", "1112.22.333"), ("Sofinummer:", "111 222 333")],
    "BE": [("rijksregisternummer", "85073003328"), ("numéro national", "85073003328")],
    "PL": [("PESEL", "44051401458"), ("nr PESEL:", "02070803628")],
    "SE": [("personnummer", "8112289874"), ("Personnr:", "198112289874")],
    "BR": [("CPF", "39053344705"), ("inscrito no CPF nº", "390533447-05")],
    "IN": [("Aadhaar", "2341 2341 2346"), ("आधार", "२३४१ २३४१ २३४६"), ("aadhaar no.", "234123412346")],
    "CA": [("SIN:", "130 692 544"), ("social insurance number", "130692544")],
    "CH": [("AHV-Nr.", "7569217076985"), ("No AVS", "756 9217 0769 85")],
    "NO": [("fødselsnummer", "17019530051"), ("Fnr:", "170195 30051"), ("D-nummer", "57019530045")],
    "RO": [("CNP", "1800101221144")],
    "TR": [("T.C. Kimlik No:", "10000000146")],
    "KR": [("주민등록번호", "8605121234563")],
}
# The last digit or letter changed, or a part that is never given out.
WRONG = (
    "000-12-3456|666-12-3456|900-12-3456|BG 12 34 56 C|QQ 12 34 56 C|2 55 08 14 168 025 39|54362315L|X2482300X|RCCMNL83S18D969I"
    "|85.07.30-033.29|811228-9875|811328-9874|131052-308U|331052-308T|390.533.447-06|111.111.111-11|ABCXA1234F|360426199101010072"
    "|360426199113010071|756.9217.0769.86|860512-1234564|861312-1234563"
)


@pytest.mark.parametrize(("country", "number"), [(country, number) for country in ALONE for number in ALONE[country]])
def test_a_distinct_form_is_enough(country: str, number: str) -> None:
    """Anywhere in a sentence, in parentheses, at the end of a line."""
    assert CHECKS[country](number)
    for text in (
        f"Issued to her: {number}, as agreed.",
        f"the applicant ({number}) came",
        f"Ms Example\n{number}\nSomewhere",
    ):
        replaced, _, countries = replace_by_country(text, ["national_id"])
        assert (replaced, dict(countries)) == (text.replace(number, "<NATIONAL_ID>"), {country: 1})


@pytest.mark.parametrize(("country", "word", "number"), [(c, w, n) for c, rows in NAMED.items() for w, n in rows])
def test_a_plain_run_of_digits_is_one_only_if_named(country: str, word: str, number: str) -> None:
    """The same digits without the word stay."""
    assert LATER_NATIONAL_IDS.get(country, bool)(number)
    text = f"On file: {word} {number}, valid"
    replaced, _, countries = replace_by_country(text, ["national_id"])
    assert (replaced, dict(countries)) == (text.replace(number, "<NATIONAL_ID>"), {country: 1})
    unnamed = f"We counted {number} of them"
    assert replace_by_country(unnamed, ["national_id"])[0] == unnamed


@pytest.mark.parametrize("number", WRONG.split("|"))
def test_wrong_ones_stay(number: str) -> None:
    """Check digits, dates and ranges are held to."""
    text = f"The form says {number}, which fails."
    assert replace_by_country(text, ["national_id"])[0] == text


def test_a_number_inside_another_is_none() -> None:
    """Numbers that go on to either side are something else."""
    for text in (
        "1811228-9874",
        "811228-98741",
        "A54362315K",
        "54362315KL",
        "x131052-308Ty",
        "12360426199101010071",
        "219-09-9999-1",
    ):
        assert replace_by_country(text, ["national_id"])[0] == text


def test_the_country_that_is_named_has_a_number_that_two_accept() -> None:
    """Finland's with a check digit and Sweden's look the same."""
    both = "270368-1153"
    assert NATIONAL_IDS["FI"](both)
    assert dict(replace_by_country(f"hetu {both}", ["national_id"])[2]) == {"FI": 1}


@pytest.mark.parametrize(
    "text", ["sin más, 130692544", "SIN 130 692 545", "fnr 17019530052", "CNP 1800101221145", "kimlik 10000000147"]
)
def test_later_countries_are_held_to_check_digits_and_words(text: str) -> None:
    assert replace_by_country(text, ["national_id"])[0] == text
