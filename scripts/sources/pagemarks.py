"""What a book in HTML shows that is no text of it: page numbers, note marks, scripts, transcribers' notes, contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import regex

from scripts.sources.xml import Element, local_name

OPS = "{http://www.idpf.org/2007/ops}type"
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
MAX_MARK = 20  # characters; what is longer than a page number is text, whatever its class
MAX_ENTRY = 200
MAX_BETWEEN = 100
MIN_ENTRIES = 3

_SKIPPED = frozenset((
    "annotation", "annotation-xml", "audio", "button", "canvas", "case", "datalist", "embed", "head", "iframe", "img", "input",
    "map", "nav", "noscript", "object", "pagenum", "noteref", "prodnote", "rp", "rt", "rtc", "script", "select",
    "style", "svg", "template", "textarea", "title", "video",
))  # fmt: skip
_PAGE_TYPES = frozenset(("pagebreak", "doc-pagebreak"))
_NOTE_TYPES = frozenset(("noteref", "doc-noteref", "backlink", "doc-backlink"))
_NOTE_CLASSES = frozenset(("noteref", "fnanchor", "footnote-reference", "footnoteref", "fnref"))
_EXTRA_CLASSES = frozenset(("headerlink", "link-target", "fn-bracket"))  # for printing, by the makers of manuals
_PAGE_CLASS = regex.compile(r"(?:pg|page|line|poemline|l)-?_?(?:num|no|number|break)s?|pagenum.*|linenum.*", regex.I)
_PAGE_NUMBER = regex.compile(r"\W*(?:(?:pp?|pg|page|folio|seite)\b\W*)?(?:[\p{N}\W]*|[ivxlcdm]*)[a-z]?\W*", regex.I)
_TRANSCRIBER_CLASS = regex.compile(r"tn(?:ote|box)?s?|tr(?:ans)?-?notes?|transcriber.*|mynote", regex.I)
_TRANSCRIBER = regex.compile(r"\W*Transcriber[’']?s?[’']? +notes?\b", regex.I)
_MARK = r"(?:\p{N}{1,4}|\p{L}|[ivxlc]{1,6}|[*†‡§¶‖#]{1,4})"
_SUPERSCRIPT_MARK = regex.compile(rf"\s*[\[({{]?\s*{_MARK}\s*[\])}}]?\s*", regex.I)
_PLAIN_MARK = regex.compile(rf"\s*(?:[\[({{]\s*{_MARK}\s*[\])}}]|[*†‡§¶‖]{{1,4}}|[↩↑↵⏎^]\uFE0E?)\s*", regex.I)
_HIDDEN = regex.compile(r"display\s*:\s*none", regex.I)
_CONTENTS_TITLE = regex.compile(
    r"\W*(?:(?:table of )?contents|list of illustrations|illustrations|chap(?:ter)?s?\.?(?:\s+page)?|page|inhalt"
    r"(?:sverzeichnis)?|table des mati[èe]res|sommaire|[íi]ndice|inhoud|inneh[åa]ll|sis[äa]llys(?:luettelo)?"
    r"|содержание|оглавление|תוכן העניינים)\W*",
    regex.I,
)
_TURNING = regex.compile(r"\W*(?:(?:back|return|up|go)(?: to)?\b.*|next|prev(?:ious)?|top|contents|home)\b.*", regex.I)


@dataclass(slots=True)
class Line:
    """A block, or one of the lines of a block: `tight` ones stand right under the line before.

    `level` is 1 to 6 for headings. `forward` counts the links to what comes later in the book, `linked` is the share of
    their characters in the text, `inner` that of all links within the book; `edge`: such a link begins or ends it.
    """

    text: str
    level: int | None
    tight: bool
    forward: int
    linked: float
    inner: float
    edge: bool


def classes_of(element: Element) -> list[str]:
    """Return the classes of an element."""
    return str(element.get("class", "")).split()


def types_of(element: Element) -> frozenset[str]:
    """Return what EPUB and ARIA say an element is: `pagebreak`, `doc-noteref`."""
    return frozenset(f"{element.get(OPS, '')} {element.get('epub:type', '')} {element.get('role', '')}".lower().split())


def beginning(element: Element, size: int) -> str:
    """Return at least the first `size` characters inside an element (all where it has less), as they stand."""
    text = ""
    for part in islice(element.itertext(), size):
        text += part
        if len(text) > size:
            break
    return text


def left_out(element: Element, name: str) -> bool:
    """Tell whether an element and all in it is no text of the book."""
    if name in _SKIPPED or name == "&":
        return True
    if not element.attrib:
        return False
    if element.get("hidden") is not None or _HIDDEN.search(element.get("style", "")):
        return True
    return _is_mark(element, name) or _is_transcribers(element, name)


def _is_mark(element: Element, name: str) -> bool:
    types, classes = types_of(element), classes_of(element)
    if name == "a" and _is_note_mark(element, types, classes):
        return True
    if _EXTRA_CLASSES.intersection(classes):
        return True
    if types & (_PAGE_TYPES | _NOTE_TYPES) or any(map(_PAGE_CLASS.fullmatch, classes)):
        text = " ".join(beginning(element, 4 * MAX_MARK).split())
        return len(text) <= MAX_MARK and bool(types & _NOTE_TYPES or _PAGE_NUMBER.fullmatch(text))
    return False


def _is_note_mark(link: Element, types: frozenset[str], classes: Sequence[str]) -> bool:
    text = beginning(link, MAX_MARK)
    if len(text) > MAX_MARK or "#" not in link.get("href", ""):
        return False
    if types & _NOTE_TYPES or _NOTE_CLASSES.intersection(classes) or _PLAIN_MARK.fullmatch(text):
        return True
    parent = link.getparent()
    raised = next(link.iter("{*}sup"), None) is not None or (parent is not None and local_name(parent) == "sup")
    return raised and _SUPERSCRIPT_MARK.fullmatch(text) is not None


def _is_transcribers(element: Element, name: str) -> bool:
    if name in ("body", "html", "span", "a", "i", "b", "em"):
        return False
    if any(map(_TRANSCRIBER_CLASS.fullmatch, classes_of(element))):
        return True
    return name == "aside" and _TRANSCRIBER.match(beginning(element, MAX_ENTRY)) is not None


def without_contents(lines: Sequence[Line]) -> list[Line]:
    """Return lines without tables of contents (runs of links to what comes later) and links for turning pages."""
    kept: list[Line] = []
    at = 0
    while at < len(lines):
        end = _end_of_contents(lines, at)
        if end > at:
            while kept and _CONTENTS_TITLE.fullmatch(kept[-1].text):
                kept.pop()
            at = end
            continue
        line = lines[at]
        if not (line.inner > 0.8 and len(line.text) <= MAX_BETWEEN and _TURNING.fullmatch(line.text)):
            kept.append(line)
        at += 1
    return kept


def _end_of_contents(lines: Sequence[Line], start: int) -> int:
    """Return where a table of contents ends that starts here, or `start`; one line without link may stand between."""
    at, found = start, 0
    while at < len(lines):
        if _is_entry(lines[at]):
            found += lines[at].forward
            at += 1
        elif at > start and at + 1 < len(lines) and len(lines[at].text) <= MAX_BETWEEN and _is_entry(lines[at + 1]):
            at += 1
        else:
            break
    return at if found >= MIN_ENTRIES else start


def _is_entry(line: Line) -> bool:
    if not line.forward or len(line.text) > MAX_ENTRY * line.forward:
        return False
    return line.linked > 0.8 or (line.level is None and (line.edge or line.linked >= 0.5))
