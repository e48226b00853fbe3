"""What a book says of itself: title, author, language, rights and date, from Dublin Core or the head of a HTML file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import regex

from scripts.sources.epub import text_of
from scripts.sources.xml import Element, plain_text

# ISO 639-2 (bibliographic and terminological) of languages that books are mostly in; others keep their three letters.
_TWO_LETTERS = {
    "afr": "af", "alb": "sq", "ara": "ar", "arm": "hy", "baq": "eu", "bel": "be", "ben": "bn", "bul": "bg",
    "cat": "ca", "ces": "cs", "chi": "zh", "cym": "cy", "cze": "cs", "dan": "da", "deu": "de", "dut": "nl",
    "ell": "el", "eng": "en", "epo": "eo", "est": "et", "eus": "eu", "fas": "fa", "fin": "fi", "fra": "fr",
    "fre": "fr", "geo": "ka", "ger": "de", "gle": "ga", "glg": "gl", "gre": "el", "heb": "he", "hin": "hi",
    "hrv": "hr", "hun": "hu", "hye": "hy", "ice": "is", "ind": "id", "isl": "is", "ita": "it", "jpn": "ja",
    "kat": "ka", "kor": "ko", "lat": "la", "lav": "lv", "lit": "lt", "mac": "mk", "may": "ms", "mkd": "mk",
    "msa": "ms", "nld": "nl", "nob": "nb", "nno": "nn", "nor": "no", "per": "fa", "pol": "pl", "por": "pt",
    "ron": "ro", "rum": "ro", "rus": "ru", "san": "sa", "slk": "sk", "slo": "sk", "slv": "sl", "spa": "es",
    "sqi": "sq", "srp": "sr", "swa": "sw", "swe": "sv", "tam": "ta", "tel": "te", "tgl": "tl", "tha": "th",
    "tur": "tr", "ukr": "uk", "urd": "ur", "vie": "vi", "wel": "cy", "yid": "yi", "zho": "zh",
}  # fmt: skip
# Names of languages that headers of Project Gutenberg state.
_NAMED = {
    "afrikaans": "af", "bulgarian": "bg", "catalan": "ca", "chinese": "zh", "czech": "cs", "danish": "da",
    "dutch": "nl", "english": "en", "esperanto": "eo", "finnish": "fi", "french": "fr", "galician": "gl",
    "german": "de", "greek": "el", "hebrew": "he", "hungarian": "hu", "icelandic": "is", "irish": "ga",
    "italian": "it", "japanese": "ja", "korean": "ko", "latin": "la", "norwegian": "no", "polish": "pl",
    "portuguese": "pt", "romanian": "ro", "russian": "ru", "serbian": "sr", "slovenian": "sl", "spanish": "es",
    "swedish": "sv", "tagalog": "tl", "turkish": "tr", "ukrainian": "uk", "welsh": "cy", "yiddish": "yi",
}  # fmt: skip
_NO_LANGUAGE = ("und", "mul", "zxx", "mis")
_DATE = regex.compile(r"[1-9]\d{3}(?:-\d\d(?:-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?)?)?")
_SITE = regex.compile(r"\s*[|–—-]\s*Project Gutenberg\s*$|^The Project Gutenberg e-?book of\s+", regex.I)
_OPF = "{http://www.idpf.org/2007/opf}"


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a book as a whole."""

    title: str | None = None
    author: str | None = None
    language: str | None = None
    date: str | None = None
    rights: str | None = None

    def meta(self) -> dict[str, Any]:
        """Return what goes into the metadata of each document, as far as it is known."""
        found = {"title": self.title, "author": self.author, "rights": self.rights}
        return {name: value for name, value in found.items() if value}


def language_code(tag: str) -> str | None:
    """Return the primary subtag of a language tag, in two letters where ISO 639-1 has it; None where it says nothing."""
    code = regex.split(r"[-_]", tag.strip().lower())[0]
    code = _TWO_LETTERS.get(code, code)
    return code if regex.fullmatch(r"[a-z]{2,3}", code) and code not in _NO_LANGUAGE else None


def named_language(names: str | None) -> str | None:
    """Return the code of a language by its English name; None for one that is not known, and for several."""
    return _NAMED.get((names or "").lower())


def about_package(metadata: Element | None) -> About:
    """Return what the metadata of a package document say."""
    refined = {
        (entry.get("refines", "").lstrip("#"), entry.get("property")): plain_text(entry)
        for entry in (metadata.iter("{*}meta") if metadata is not None else ())
    }
    titles = text_of(metadata, "title")
    main = [text for part, text in titles if refined.get((part.get("id"), "title-type")) == "main"]
    authors = [
        text
        for part, text in text_of(metadata, "creator")
        if (part.get(f"{_OPF}role") or refined.get((part.get("id"), "role")) or "aut") == "aut"
    ]
    languages = (language_code(text) for _, text in text_of(metadata, "language"))
    rights = [text for _, text in text_of(metadata, "rights")]
    return About(
        title=next(iter([*main, *(text for _, text in titles)]), None),
        author="; ".join(authors) or None,
        language=next((code for code in languages if code), None),
        date=next(_dates(metadata), None),
        rights="; ".join(rights) or None,
    )


def _dates(metadata: Element | None) -> Iterator[str]:
    """Yield the dates of publication, those that say so first; not those of changes to the file."""
    dates = [(part.get(f"{_OPF}event", ""), text) for part, text in text_of(metadata, "date")]
    for wanted in ("original-publication", "publication", ""):
        yield from (text for event, text in dates if event == wanted and _DATE.fullmatch(text))


def about_html(root: Element) -> About:
    """Return what the head of a HTML file says."""
    stated = {
        str(entry.get("name") or entry.get("property") or "").lower(): " ".join(entry.get("content", "").split())
        for entry in root.iter("{*}meta")
    }
    title = next((plain_text(entry) for entry in root.iter("{*}title")), "")
    return About(
        title=stated.get("dc.title") or _SITE.sub("", title) or None,
        author=stated.get("dc.creator") or stated.get("author") or None,
        language=language_code(stated.get("dc.language", "")),
        rights=stated.get("dc.rights") or None,
    )


def with_header(about: About, fields: Mapping[str, str]) -> About:
    """Return what the header of Project Gutenberg says, where it says something, before what is known else."""
    return replace(
        about,
        title=fields.get("Title") or about.title,
        author=fields.get("Author") or about.author,
        language=named_language(fields.get("Language")) or about.language,
    )
