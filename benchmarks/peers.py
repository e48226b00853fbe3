"""The programs that we are measured against, as far as they are installed."""

from __future__ import annotations

from collections.abc import Callable

trafilatura_text: Callable[[str], str] | None = None
justext_text: Callable[[str], str] | None = None
wikitext_peer: Callable[[str], str] | None = None
cld2_language: Callable[[str], str] | None = None

try:
    import trafilatura
    from trafilatura.deduplication import LRU_TEST

    def _trafilatura(html: str) -> str:
        """Extract with the settings of datatrove's extractor. It leaves out what it has seen in earlier pages, and the pages of
        the benchmark come again and again, so it forgets them first (but not what it remembers to be faster).
        """
        LRU_TEST.clear()
        return trafilatura.extract(html, favor_precision=True, include_comments=False, deduplicate=True) or ""

    trafilatura_text = _trafilatura
except ImportError:
    pass

try:
    import justext

    _STOPLIST = justext.get_stoplist("English")

    def _justext(html: str) -> str:
        paragraphs = justext.justext(html.encode("utf-8"), _STOPLIST, encoding="utf-8")
        return "\n".join(paragraph.text for paragraph in paragraphs if not paragraph.is_boilerplate)

    justext_text = _justext
except ImportError:
    pass

try:
    from gensim.corpora.wikicorpus import filter_wiki

    wikitext_peer = filter_wiki
except ImportError:
    pass

try:
    import pycld2

    def _cld2(text: str) -> str:
        """Name the language of a text; characters that it refuses are left out."""
        try:
            return pycld2.detect(text)[2][0][1].partition("-")[0]
        except pycld2.error:
            printable = "".join(character for character in text if character.isprintable())
            return pycld2.detect(printable)[2][0][1].partition("-")[0]

    cld2_language = _cld2
except ImportError:
    pass
