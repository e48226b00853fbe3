"""What a reader sees of the templates that stand inside sentences.

Nearly all templates are boxes, notes and citations, which are no prose and show nothing here. A few carry words or
numbers of a sentence; left out, they would leave holes ("a city  north of"). Those are rendered, by the names that
English and several other Wikipedias share, and by the most frequent names of their own that large ones have.
"""

from __future__ import annotations

from collections.abc import Callable

import regex

from scripts.sources import wikiquantities as quantities

_FIRST = frozenset((
    "abbr", "abbrlink", "anchor", "as written", "big", "block quote", "blockquote", "bold",
    "bq", "center", "code", "cquote", "em", "italic", "italics", "kbd", "keypress", "lang-text",
    "larger", "linktext", "ltr", "mathtt", "mono", "mvar", "native name", "nobr", "not a typo",
    "nowiki", "nowrap", "poem", "poemquote", "pre", "proper name", "quotation", "quote", "quote box", "hover title",
    "anchored text", "resize", "flag", "flagcountry", "flagu",
    "ship title", "sic!", "simplenuclide", "small", "smaller", "strikethrough", "strong", "sub",
    "sup", "text", "text quote", "tmath", "tooltip", "translation", "tt", "u", "underline", "vanchor",
    "var", "verse", "visible anchor", "nihongo", "ruby", "furigana",
    "highlight", "iast", "mark", "nobold", "noitalic", "overline", "polytonic", "sc", "smallcaps", "strike", "unicode",
    "zitat", "cita", "esd", "citazione", "citação", "citaat", "cytat", "citat", "citát", "citació", "sitaatti", "idézet",
    "alıntı", "citation bloc", "japonais", "romanes", "szám", "число", "цитата", "اقتباس", "نقل قول",
    "読み仮名", "読み仮名 ruby不使用", "仮リンク", "日本語版にない記事リンク",
))  # fmt: skip
_SECOND = frozenset((
    "color", "color text", "colour", "font", "font color", "fontcolor", "lang", "lang-x", "langx", "script",
    "text", "transl", "transliteration", "wikt-lang", "rtl-lang",
    "langue", "llang", "cizojazyčně", "vjazyce2",
))  # fmt: skip
_LAST = frozenset(
    {"transl", "transliteration", "lang", "langx", "wikt-lang", "ill", "interlanguage link", "tsl", "translink"}
)
_LITERAL = {
    "ndash": "–", "snd": " – ", "spnd": " – ", "spaced ndash": " – ", "mdash": "—", "emdash": "—",
    "spaced mdash": " — ",
    "endash": "–", "en dash": "–", "em dash": "—", "dash": " – ", "nbsp": " ", "space": " ",
    "spaces": " ", "thinsp": " ",
    "hairsp": " ", "·": " · ", "•": " • ", "dot": " · ", "bull": " • ", "middot": "·", "pipe": "|", "!": "|", "=": "=",
    "'": "'", "' ": "'", "'s": "'s", "`": "`", "ellipsis": "…", "...": "…", "sic": "", "circa": "c. ", "c.": "c. ",
    "ca.": "c. ", "floruit": "fl. ", "fl.": "fl. ", "degree": "°", "deg": "°", "°": "°", "times": "×",
    "frac12": "½", "pi": "π",
    "euro": "€", "gbp": "£", "£": "£", "!!": "||", "snds": " – ", "zwj": "", "shy": "", "ldquo": "“", "rdquo": "”",
    "lb": "[", "rb": "]", "(": "{{", ")": "}}", "bracket": "[]", "okina": "ʻ", "hamza": "ʼ", "nb10": "", "break": "\n",
    "clear": "", "-": "", "radic": "√", "sqrt": "√", "flat": "♭", "sharp": "♯", "natural": "♮", "minus": "−", "root": "√",
    "er": "er", "av jc": "av. J.-C.", "apr jc": "apr. J.-C.",
}  # fmt: skip
_MATH = frozenset(("math", "mvar", "bigmath"))
_CONVERT = frozenset(("convert", "cvt", "conv", "unité", "unidad"))
_CENTURY = regex.compile(r"([ivxl]+)(er?) siècle")
_NAME = regex.compile(r"[\w\- ]+")
_BAR = regex.compile(r"(?<![^\[\]])[^\[\]]*+\]\](*SKIP)(*FAIL)|\|")  # not in what stands before the end of a link


def render_template(body: str) -> str:
    """Return what a template shows in a sentence, by its body: what is between the braces, inner templates rendered."""
    name, *fields = _split(body)
    name = name.strip().lower().replace("_", " ")
    positional, named = _arguments(fields)
    if name.startswith("#") or ":" in name:
        return _parser_function(name, body)
    if name in _LITERAL and not (positional and (name in _RENDERERS or name in _FIRST)):
        return _LITERAL[name]
    if name in _RENDERERS:
        return _RENDERERS[name](positional, named)
    if name in _MATH:
        return positional[0] if positional else named.get("1", "")
    if name in _LAST and positional:
        return positional[
            1 if name in ("lang", "wikt-lang", "langx") and len(positional) > 1 else 0 if name.startswith("i") else -1
        ]
    if name.startswith("lang-") and positional:
        return positional[0]
    if name in _FIRST:
        return positional[0] if positional else named.get("1", named.get("text", named.get("quote", "")))
    if name in _SECOND and len(positional) > 1:
        return positional[1]
    if name.startswith("link-"):  # with the code of a language, in Chinese
        return _at(2)(positional, named)
    if name.endswith(" siècle") and (century := _CENTURY.fullmatch(name)):
        return f"{century[1].upper()}{century[2]} siècle"
    return ""


def _split(body: str) -> list[str]:
    """Split at the bars that are not inside a link."""
    if "[[" not in body:
        return body.split("|")
    return [str(part) for part in _BAR.split(body)]


def _arguments(fields: list[str]) -> tuple[list[str], dict[str, str]]:
    positional: list[str] = []
    named: dict[str, str] = {}
    for value in fields:
        key, equals, content = value.partition("=")
        if equals and _NAME.fullmatch(key.strip() or key):
            named[key.strip().lower()] = content.strip()
        else:
            positional.append(value.strip())
    return positional, named


def _parser_function(name: str, body: str) -> str:
    """Return the text of the few functions that show their argument; others show nothing."""
    function, _, argument = body.partition(":")
    function = function.strip().lower()
    if function in ("lc", "uc", "lcfirst", "ucfirst", "formatnum", "nowrap"):
        return argument.partition("|")[0].strip()
    return ""


def _interlanguage(positional: list[str], named: dict[str, str]) -> str:
    return named.get("lt") or (positional[0] if positional else "")


def _circa(positional: list[str], named: dict[str, str]) -> str:
    return "c. " + "–".join(positional)


def _floruit(positional: list[str], named: dict[str, str]) -> str:
    return "fl. " + "–".join(positional)


def _reign(positional: list[str], named: dict[str, str]) -> str:
    return "r. " + "–".join(positional)


def _joined(positional: list[str], named: dict[str, str]) -> str:
    return ", ".join(positional)


def _all(positional: list[str], named: dict[str, str]) -> str:
    return " ".join(positional)


_NOTES = {"flat": "♭", "b": "♭", "sharp": "♯", "#": "♯", "natural": "♮", "doubleflat": "𝄫", "doublesharp": "𝄪"}


def _music(positional: list[str], named: dict[str, str]) -> str:
    """Return the accidental that {{music|sharp}} shows, without which a note would be another."""
    return _NOTES.get("".join(positional[:1]), "")


def _root(positional: list[str], named: dict[str, str]) -> str:
    return "√" + "".join(positional[:1])


def _ship(positional: list[str], named: dict[str, str]) -> str:
    return " ".join(part for part in positional[:2] if part)


def _vessel(prefix: str) -> Callable[[list[str], dict[str, str]], str]:
    """Return what shows `HMS Victory (1765)` for {{HMS|Victory|1765}}; a third argument hides the second."""
    return lambda positional, named: " ".join(
        [prefix, *positional[:1], *(f"({part})" for part in positional[1:] if part and len(positional) == 2)]
    )


def _sic(positional: list[str], named: dict[str, str]) -> str:
    """Return the word that {{sic|occ|urence}} shows in two parts; a question mark is of the note behind it."""
    return "".join(part for part in positional if part != "?")


def _class(positional: list[str], named: dict[str, str]) -> str:
    return "-class ".join(positional[:2])


def _list(positional: list[str], named: dict[str, str]) -> str:
    return "\n" + "\n".join(f"* {item}" for item in positional)


def _at(place: int) -> Callable[[list[str], dict[str, str]], str]:
    """Return what shows the argument at a place, or the first where there is none."""
    return lambda positional, named: "".join((list(filter(None, positional[place : place + 1])) or positional)[:1])


def _link_to_other(positional: list[str], named: dict[str, str]) -> str:
    return named.get("texte") or _at(0)(positional, named) or named.get("fr", "")


def _quoted(positional: list[str], named: dict[str, str]) -> str:
    quoted = _at(0)(positional, named) or named.get("text", "")
    return f"„{quoted}“" if quoted else ""


def _century(positional: list[str], named: dict[str, str]) -> str:
    """Return the century that {{s|XX|e}} says in French; {{s|words}} strikes words out in English."""
    ordinal = len(positional) > 1 and positional[1] in ("e", "er")
    return f"{positional[0]}{positional[1]} siècle" if ordinal else _at(0)(positional, named)


def _siglo(positional: list[str], named: dict[str, str]) -> str:
    number, era, word = [*positional, "", "", ""][:3]
    return {"s": "siglo ", "S": "Siglo "}.get(word, "") + number + (" a. C." if era == "a" else "")


def _power(positional: list[str], named: dict[str, str]) -> str:
    """Return the ending of an ordinal that {{e}} is in French; {{e|3}} is a power of ten in English."""
    return f"×10^{positional[0]}" if positional else "e"


def _after(word: str) -> Callable[[list[str], dict[str, str]], str]:
    return lambda positional, named: " ".join([word, *positional[:1]])


def _currency(symbol: str) -> Callable[[list[str], dict[str, str]], str]:
    return lambda positional, named: symbol + (positional[0] if positional else "")


_RENDERERS: dict[str, Callable[[list[str], dict[str, str]], str]] = {
    **dict.fromkeys(_CONVERT, quantities.convert),
    **dict.fromkeys(("frac", "fraction", "sfrac", "fract"), quantities.fraction),
    **dict.fromkeys(("as of", "asof"), quantities.as_of),
    **dict.fromkeys(
        ("start date", "end date", "birth date", "death date", "date", "dts", "start date and age"), quantities.date
    ),
    **dict.fromkeys(("birth date and age", "bda"), quantities.date),
    **dict.fromkeys(("date-", "date de naissance", "date de décès"), quantities.date),
    **dict.fromkeys(("нп", *(f"нп{number}" for number in range(1, 6))), _at(1)),
    **dict.fromkeys(("не переведено", *(f"не переведено {number}" for number in range(2, 6))), _at(1)),
    **dict.fromkeys(("не перекладено", "iw2"), _at(1)),
    **dict.fromkeys(("le", "internal link helper"), _at(2)),
    **dict.fromkeys(("s", "s-"), _century),
    **{"citation": _at(0), "lien": _link_to_other, '"': _quoted, "siglo": _siglo, "e": _power},
    **{"1er": _after("1er"), "p.": _after("p."), "segle": _after("segle"), "séc": _after("século")},
    **dict.fromkeys(("nombre", "fmtn"), _all),
    **dict.fromkeys(("ill", "interlanguage link", "link-interwiki"), _interlanguage),
    **dict.fromkeys(("circa", "c.", "ca."), _circa),
    **dict.fromkeys(("floruit", "fl."), _floruit),
    **dict.fromkeys(("reign", "r."), _reign),
    **dict.fromkeys(("val", "value"), quantities.value),
    **dict.fromkeys(("hlist", "flatlist"), _joined),
    **{"chem": quantities.chem, "music": _music, "root": _root, "radic": _root, "sqrt": _root},
    **dict.fromkeys(("chem2", "bibleref", "bibleverse", "bibleref2", "citequote"), _all),
    **{name.lower(): _vessel(name) for name in ("HMAS", "HMCS", "HMS", "MV", "RMS", "SMS", "SS", "USS")},
    **{"ship": _ship, "sclass": _class, "sic": _sic},
    **dict.fromkeys(("unbulleted list", "ubl", "plainlist", "bulleted list"), _list),
    **dict.fromkeys(("us$", "usd"), _currency("US$")),
    **dict.fromkeys(("a$", "aud"), _currency("A$")),
    **dict.fromkeys(("inr", "indian rupee"), _currency("₹")),
    **dict.fromkeys(("gbp", "£", "pound sterling"), _currency("£")),
    **dict.fromkeys(("euro", "€", "eur"), _currency("€")),
}
