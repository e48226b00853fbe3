"""Groups are found as whole words, and what is counted does not depend on order or parts."""

from __future__ import annotations

from scripts.audit.gates import check_gates, group_rows
from scripts.audit.groups import identity_terms, mentioned, removal_ratio
from scripts.audit.parts import Seen
from scripts.audit.tally import Tally, WordSample, decade, entropy
from scripts.lib.versions import version_id


def test_mentions_are_whole_words_and_runs() -> None:
    assert mentioned("The WOMEN spoke.") == ["gender-women"]
    assert mentioned("Germany and womenfolk; a double-blind trial; black paint") == []
    assert mentioned("a same-sex couple") == ["sexual-orientation"]
    assert mentioned("Older\nadults") == ["age-old"]
    assert "ethnicity" in mentioned("black\n  people")


def test_every_term_of_the_list_is_found() -> None:
    for name, terms in identity_terms().items():
        for term in [*terms.single, *terms.runs]:
            assert name in mentioned(f"({term.upper()})"), term


def test_a_ratio_needs_something_to_compare() -> None:
    assert removal_ratio(0, 10, 0, 10) is None
    assert removal_ratio(1, 10, 1, 0) is None
    ratio = removal_ratio(0, 100, 10, 100)
    assert ratio is not None
    assert (ratio.ratio, ratio.low) == (0.0, 0.0)
    assert 0.5 / 10.5 < ratio.high < 1.0


def test_a_sample_of_words_does_not_depend_on_order_or_parts() -> None:
    texts = {f"d{number}": f"word{'abcdefg'[number % 7]} the " * (number % 5 + 1) for number in range(60)}
    whole, backwards, halves = WordSample(50), WordSample(50), [WordSample(50), WordSample(50)]
    for number, (identifier, text) in enumerate(texts.items()):
        whole.add(identifier, text)
        halves[number % 2].add(identifier, text)
    for identifier, text in reversed(texts.items()):
        backwards.add(identifier, text)
    halves[0].merge(halves[1])
    assert whole.type_token_ratio() == backwards.type_token_ratio() == halves[0].type_token_ratio()
    assert whole.type_token_ratio()["words"] == 50


def test_small_measures() -> None:
    assert (decade("1998-05"), decade("MCMX"), decade(None)) == ("1990s", "not known", "not known")
    assert entropy({"a": 1, "b": 1, "c": 0}) == 1.0
    assert entropy({"a": 5}) == 0.0
    assert Tally().numbers()["type_token"] == {"words": 0, "types": 0, "ratio": 0.0}


def test_a_group_of_which_nothing_goes_fails_no_gate() -> None:
    """Where one of 100,000 others goes, half a document of 30 would be a thousand times as much."""
    total = Tally()
    total.before.searched, total.after.searched = 100_030, 100_029
    for amounts in (total.before, total.after):
        amounts.mentions["disability"] = 30
    rows = group_rows(total)
    limits = {"max_removal_ratio": 3, "minimum_mentions": 30, "minimum_documents": 1}
    check_gates("main", rows, total.after.searched, limits)
    (row,) = (row for row in rows if row["mentions"])
    assert (row["removal"]["ratio"], row["removal"]["low"]) == (0.0, 0.0)


def test_a_sample_of_words_does_not_depend_on_marks_of_versions() -> None:
    """Which text of an id has a mark depends on the parts."""
    tallies = Tally(), Tally()
    for number in range(60):
        text, name = f"word{'abcdefg'[number % 7]} the " * (number % 5 + 1), f"s:{number}"
        for tally, identifier in zip(tallies, (name, version_id(name, text) if number % 3 else name), strict=True):
            tally.sample.size = 50
            tally.add(Seen(identifier, text, text, None, "de", "de", None, None, 2))
    assert tallies[0].sample.type_token_ratio() == tallies[1].sample.type_token_ratio()
