"""Quality of prose from wikitext beside gensim: leftovers of markup and lost sentences, on real pages.

    pip install --target PEERS -r benchmarks/requirements.txt
    PYTHONPATH=.:PEERS python -m benchmarks.wikitext --dump enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2

The reference is made by mwparserfromhell, a full parser that neither of the two uses: the sentences of all paragraphs (no
lists, tables, boxes, headings; no sections of references and links) of at least six words, links as they show. A sentence in
which a template, a formula or a tag that the parser could not close stands is left out, since the page does not tell what it
shows. A sentence is lost when its words do not follow each other in the extracted text. Leftovers are matches of the patterns
below, which no reader of the page would see.
"""

from __future__ import annotations

import argparse
import html
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mwparserfromhell
import regex
from mwparserfromhell.nodes import Argument, Comment, ExternalLink, Heading, HTMLEntity, Tag, Template, Text, Wikilink

from benchmarks.extraction import wikitexts
from benchmarks.peers import wikitext_peer
from scripts.sources.wikitext import clean_wikitext

HOLE = "\ue002"  # stands where a node was whose words are not in the page
APPARATUS = regex.compile(
    r"(?:references?|external links?|see also|further reading|notes?(?: and references)?|bibliography|footnotes?|sources?"
    r"|citations?|works cited|literature)\s*",
    regex.I,
)
SILENT = regex.compile(r"\s*:?\s*(?:file|image|category|media)\s*:", regex.I)
LANGUAGE = regex.compile(r"\s*[a-z]{2,3}(?:-[a-z]+)*\s*:\S")
SENTENCE_END = regex.compile(r"(?<=[.!?][\"'”’)]{0,2})\s+(?=\p{Lu})")
WORD = regex.compile(r"[\p{L}\p{N}]+")
SHORTEST = 6  # words
LEFTOVERS = {
    "templates": regex.compile(r"\{\{\s*[\p{L}#][^{}\\^_]*(?:\||\}\})"),  # doubled braces alone also stand in formulae
    "brackets": regex.compile(r"\[\[|\]\]"),
    "quote marks": regex.compile(r"''+"),
    "tags": regex.compile(
        r"</?(?:ref|br|div|span|small|sup|sub|p|table|tr|td|th|center|gallery|math|nowiki|blockquote|font|code|u|s|b|i)\b[^<>\n]*>",
        regex.I,
    ),
    "table marks": regex.compile(r"^\s*(?:\{\||\|\}|\|-|!.*!!)", regex.M),
    "box fields": regex.compile(r"^\s*\|[^\n|]*=", regex.M),
    "files": regex.compile(
        r"\b(?:thumb|left|right|upright|frame(?:less)?|\d+px)\s*\||\b(?:File|Image|Category):\S", regex.I
    ),
    "attributes": regex.compile(
        r"\b(?:style|class|align|colspan|rowspan|bgcolor|width|valign)\s*=\s*[\"'#\w]", regex.I
    ),
    "entities": regex.compile(r"&(?:[a-z]+|#\d+);", regex.I),
    "comments": regex.compile(r"<!--|-->"),
    "headings": regex.compile(r"^\s*==+[^=\n]+==+\s*$", regex.M),
    "empty brackets": regex.compile(r"\(\s*[,;]?\s*\)"),
}


def shown(code: Any) -> str:
    """Return what the nodes of parsed wikitext show; HOLE for what the page itself does not say."""
    return "".join(_node(node) for node in code.nodes)


def _node(node: Any) -> str:
    if isinstance(node, Text):
        return str(node.value)
    if isinstance(node, HTMLEntity):
        return str(node.normalize())
    if isinstance(node, Comment):
        return ""
    if isinstance(node, Template | Argument):
        return HOLE
    if isinstance(node, Heading):
        return f"\n{'=' * node.level}{shown(node.title)}\n"
    if isinstance(node, Wikilink):
        if SILENT.match(str(node.title)) or (node.text is None and LANGUAGE.match(str(node.title))):
            return ""
        return shown(node.text) if node.text is not None else shown(node.title)
    if isinstance(node, ExternalLink):
        return HOLE if node.title is None else shown(node.title)
    return _tag(node) if isinstance(node, Tag) else HOLE


def _tag(tag: Any) -> str:
    name = str(tag.tag).strip().lower()
    if name in ("ref", "references", "gallery", "table", "timeline", "imagemap"):
        return ""
    if name in ("li", "dd", "dt"):
        return str(tag.wiki_markup or "")
    if name in ("br", "hr", "p", "div", "blockquote", "center"):
        return f"\n{shown(tag.contents) if tag.contents is not None else ''}\n"
    if name in ("i", "b", "small", "big", "em", "strong", "span", "u", "s", "cite", "abbr"):
        return shown(tag.contents) if tag.contents is not None else ""
    return HOLE


def reference(text: str) -> list[list[str]]:
    """Return the sentences of a page's paragraphs, as lists of lower-case words."""
    found: list[list[str]] = []
    skipped = False
    for line in shown(mwparserfromhell.parse(text)).split("\n"):
        if line.startswith("="):
            skipped = APPARATUS.fullmatch(line.strip("= \t")) is not None
        elif not skipped and not line[:1].isspace() and line[:1] not in "*#:;|!{}":
            for sentence in SENTENCE_END.split(line):
                words = [word.lower() for word in WORD.findall(html.unescape(sentence))]
                if HOLE not in sentence and "<" not in sentence and len(words) >= SHORTEST:
                    found.append(words)
    return found


def lost(sentences: list[list[str]], prose: str) -> int:
    """Return how many of the sentences do not stand in the text word by word."""
    running = f" {' '.join(word.lower() for word in WORD.findall(prose))} "
    return sum(f" {' '.join(words)} " not in running for words in sentences)


def main() -> None:
    """Score both and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump", type=Path, nargs="+", required=True, help="MediaWiki dumps")
    parser.add_argument("--show", type=int, default=0, help="print that many lost sentences and leftovers of ours")
    args = parser.parse_args()
    texts = [text for dump in args.dump for text in wikitexts(dump)]
    references = [reference(text) for text in texts]
    total = sum(map(len, references))
    methods: dict[str, Callable[[str], str] | None] = {
        "groundwork": clean_wikitext,
        "gensim filter_wiki": wikitext_peer,
    }
    print(f"{len(texts)} pages, {total} sentences\n\n| method | words | lost sentences | share |")
    print("|---|---|---|---|")
    leftovers: dict[str, Counter[str]] = {}
    for name, method in methods.items():
        if method is None:
            continue
        proses = [method(text) for text in texts]
        missing = sum(lost(sentences, prose) for sentences, prose in zip(references, proses, strict=True))
        words = sum(len(WORD.findall(prose)) for prose in proses)
        print(f"| {name} | {words} | {missing} | {missing / total:.2%} |")
        leftovers[name] = Counter(
            {kind: sum(len(pattern.findall(prose)) for prose in proses) for kind, pattern in LEFTOVERS.items()}
        )
        if name == "groundwork" and args.show:
            _show(args.show, references, proses)
    print(f"\n| leftovers | {' | '.join(leftovers)} |\n|---|{'---|' * len(leftovers)}")
    for kind in LEFTOVERS:
        print(f"| {kind} | {' | '.join(str(counts[kind]) for counts in leftovers.values())} |")
    print(f"| all | {' | '.join(str(counts.total()) for counts in leftovers.values())} |")


def _show(number: int, references: list[list[list[str]]], proses: list[str]) -> None:
    missing = [
        words for found, prose in zip(references, proses, strict=True) for words in found if lost([words], prose)
    ]
    for words in missing[:number]:
        print("lost:", " ".join(words))
    for kind, pattern in LEFTOVERS.items():
        for prose in proses:
            for match in pattern.finditer(prose):
                print(f"{kind}: {prose[max(match.start() - 40, 0) : match.end() + 40]!r}")


if __name__ == "__main__":
    main()
