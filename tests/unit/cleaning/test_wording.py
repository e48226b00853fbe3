"""The same wording gives the same words however it is set, and each has its place in the text."""

from __future__ import annotations

from scripts.cleaning.wording import STARTS, Folding

FOLDING = Folding()


def spelled(text: str, apart: bool = False) -> list[str]:
    """Return the folded words of a text, those that begin a line or sentence with a bar before them."""
    words = FOLDING.words([text], apart)
    letters = ["".join(map(chr, words.letters[a:b])) for a, b in zip(words.bounds, words.bounds[1:], strict=False)]
    return ["|" * int(flag & STARTS) + one for one, flag in zip(letters, words.flags.tolist(), strict=True)]


def test_wording() -> None:
    assert spelled("Hello, World! It’s re-\nwrapped and well-known") == [
        "|hello",
        "world",
        "|it",
        "s",
        "rewrapped",
        "and",
        "well",
        "known",
    ]
    assert spelled("ﬁne Ｆｕｌｌ ÉCOLE e\u0301cole so\u00adft zero\u200bwidth") == [
        "|fine",
        "full",
        "ecole",
        "ecole",
        "soft",
        "zerowidth",
    ]
    assert spelled("co\u00ad \n op, pre- and post-\n\nwar") == ["|coop", "pre", "and", "post", "|war"]
    assert spelled("12,what a film,0") == ["|12", "|what", "a", "film", "|0"]
    assert spelled("a--b 'quoted' don`t") == ["|a", "|b", "|quoted", "|don", "t"]
    assert spelled("中国。が") == ["|中", "国", "|か\u3099"]
    assert spelled("བོད་སྐད།ང") == ["|བོ", "ད", "ས\u0f90", "ད", "|ང"]
    assert spelled("") == spelled("  \n--- ") == []


def test_a_hyphen_at_the_end_of_a_line_may_stand_for_what_is_left_out() -> None:
    text = "the pre-\nand post-war, co\u00ad\nop"
    assert spelled(text) == ["|the", "preand", "post", "war", "coop"]
    assert spelled(text, apart=True) == ["|the", "pre", "|and", "post", "war", "coop"]


def test_words_are_the_same_whatever_stands_for_a_hyphen_or_an_apostrophe_within() -> None:
    for text in ("well-known", "well known", "well\u2013known", "well - known", "well @-@ known", "well\u2011known"):
        assert [word.strip("|") for word in spelled(text)] == ["well", "known"]
    for text in ("we don't", "we don’t", "we don t", "we do n't", "WE DO N’T", "we do\nn't"):
        assert spelled(text) == ["|we", "don", "t"]
    assert spelled("Ann's no n'th") == ["|ann", "s", "non", "th"]


def test_words_have_their_places_in_the_text() -> None:
    texts = ["One, two-\nfold ﬁve", "", "Ａ\u0301 b"]
    words = FOLDING.words(texts)
    whole = "".join(texts)
    found = [whole[a:b] for a, b in zip(words.starts.tolist(), words.stops.tolist(), strict=True)]
    assert found == ["One", "two-\nfold", "ﬁve", "Ａ", "b"]
    assert words.texts.tolist() == [0, 3, 3, 5]
    assert words.places.tolist() == [0, 18, 18, 22]
