"""Books in HTML and XHTML as blocks of text: headings, paragraphs, lists, verse lines, preformatted text, rows of tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import regex
from lxml import etree

from scripts.sources.booksplit import MARKED_LEVELS, Block, heading_level
from scripts.sources.pagemarks import HEADINGS, Line, beginning, classes_of, left_out, without_contents
from scripts.sources.xml import Element, local_name

MAX_ROW = 1_000  # characters; a row of a table that is longer lays out a page
MAX_VERSE = 100
MAX_INDENT = 8  # levels of lists in lists

_BREAK, _BLANK, _TAB, _CELL = "\x1e", "\x1f", "\x1d", "\x1c"  # stand for white space that is not folded
_VERBATIM = str.maketrans({"\n": _BREAK, " ": _BLANK, "\t": _TAB, "\xa0": _BLANK})
_RESTORED = str.maketrans({_BLANK: " ", _TAB: "\t"})
_BLOCKS = HEADINGS | frozenset((
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "html", "legend", "level1", "level2",
    "level3", "level4", "li", "line", "linegroup", "list", "main", "menu", "ol", "p", "poem", "pre", "section", "summary",
    "table", "td", "th", "tr", "ul",
))  # fmt: skip
_LISTS = ("ol", "ul", "menu", "list")
_VERSE_CLASSES = frozenset((
    "lg", "line-block", "line-group", "linegroup", "poem", "poetry", "stanza", "verse",
))  # fmt: skip
_LINE_CLASSES = frozenset(("line", "verse", "verse-line", "verseline"))

_SOFT_HYPHEN = regex.compile("\u00ad")
_WIDE = r"[\p{Han}\p{Hiragana}\p{Katakana}\u3000-\u303F\uFF00-\uFF60]"
_WIDE_LINE_END = regex.compile(rf"(?<={_WIDE})[ \t]*\n[ \t]*(?={_WIDE})")
# But one space alone: books have millions, and a place that is replaced takes memory.
_SPACES = regex.compile(r" [ \t\n\r\f\xa0]+|[\t\n\r\f\xa0][ \t\n\r\f\xa0]*")
_BREAKS = regex.compile(f" ?{_BREAK} ?")
_PARAGRAPHS = regex.compile(r"\n{2,}")
_ELSEWHERE = regex.compile(r"[a-z][a-z0-9+.-]*:|//", regex.I)
_CELLS = regex.compile(f" ?(?:{_CELL} ?)+")


def no_other_part(href: str) -> bool:
    """Tell of a book in one file that no link leads to a later part of it."""
    return False


def lines_of(root: Element, is_later: Callable[[str], bool] = no_other_part) -> list[Line]:
    """Return the text below an element as lines; `is_later` tells of a link whether it leads to a later part."""
    names = {name for part in root.iter() for name in (part.get("id"), part.get("name")) if name}
    reader = _Reader(is_later, names)
    walker = etree.iterwalk(root, events=("start", "end"))
    skipped = None
    for event, element in walker:
        name = local_name(element).lower()
        if event == "start":
            if left_out(element, name):
                skipped = element
                walker.skip_subtree()
            else:
                reader.start(element, name)
        elif element is not skipped:
            reader.end(element, name)
        if event == "end" and element is not root:
            reader.add(element.tail)
    reader.flush()
    return reader.lines


class _Reader:
    """Gathers text until a block begins or ends."""

    def __init__(self, is_later: Callable[[str], bool], names: set[str]) -> None:
        self.lines: list[Line] = []
        self._ahead = names  # what links may lead to and has not been met
        self._is_later = is_later
        self._texts: list[str] = []
        self._kinds: list[str] = []  # of each text the kind of link that it stands in
        self._open: list[tuple[Element, str]] = []  # the blocks that have begun
        self._lists: list[list[Element | int]] = []  # each with the number of its next item
        self._marker: str | None = None  # of a list item whose text has not begun
        self._row: Element | None = None
        self._verbatim = 0
        self._link: tuple[Element, str] | None = None
        self._forward = 0
        self._last_group: Element | None = None

    def add(self, text: str | None) -> None:
        if text:
            self._put(text.translate(_VERBATIM) if self._verbatim else text, self._link[1] if self._link else "")

    def _put(self, text: str, kind: str = "") -> None:
        self._texts.append(text)
        self._kinds.append(kind)

    def start(self, element: Element, name: str) -> None:
        self._ahead.difference_update((element.get("id"), element.get("name")))
        if name == "br":
            self._put(_BREAK if self._row is None else " ")
        elif name == "a":
            self._start_link(element)
        elif self._row is not None:
            self._put(_CELL if name in ("td", "th") else " " if name in _BLOCKS else "")
        elif name in _BLOCKS or (name == "span" and _LINE_CLASSES.intersection(classes_of(element))):
            self.flush()
            self._open.append((element, name))
            self._start_block(element, name)
        elif name == "hr":
            self.flush()
            self._last_group = None
        self._verbatim += name == "pre"
        self.add(element.text)

    def _start_block(self, element: Element, name: str) -> None:
        if name in _LISTS:
            first = str(element.get("start", "1"))
            self._lists.append([element, int(first) if first.isdecimal() and first.isascii() else 1])
        elif name == "li" and self._lists:
            numbered = local_name(self._lists[-1][0]).lower() == "ol"
            self._marker = "  " * min(len(self._lists) - 1, MAX_INDENT) + (
                f"{self._lists[-1][1]}. " if numbered else "- "
            )
            self._lists[-1][1] += 1
        elif name == "tr" and _is_small(element):
            self._row = element

    def _start_link(self, element: Element) -> None:
        href = element.get("href", "")
        if not href or _ELSEWHERE.match(href):
            return
        forward = href[1:] in self._ahead if href.startswith("#") else self._is_later(href)
        self._forward += forward
        self._link = (element, "forward" if forward else "inner")

    def end(self, element: Element, name: str) -> None:
        if self._link and self._link[0] is element:
            self._link = None
        if self._open and self._open[-1][0] is element:
            self.flush()
            self._open.pop()
            if name in _LISTS:
                self._lists.pop()
            elif name == "li":
                self._marker = None
            if self._row is element:
                self._row = None
        self._verbatim -= name == "pre"

    def flush(self) -> None:
        """End the block that has been gathered."""
        paragraphs = folded("".join(self._texts))
        if paragraphs:
            self._emit(paragraphs)
            self._forward = 0
        self._texts.clear()
        self._kinds.clear()

    def _emit(self, paragraphs: Sequence[str]) -> None:
        group = self._group(paragraphs[0])
        level = next((int(name[1]) for _, name in reversed(self._open) if name in HEADINGS), None)
        sizes, ends = (
            dict.fromkeys(("", "inner", "forward"), 0),
            list[str](),
        )  # by kind; the kinds of the first and the last text
        for kind, text in zip(self._kinds, self._texts, strict=True):
            if text.strip(f"{_BREAK}{_CELL} \n\t"):
                sizes[kind] += len("".join(text.split()))
                ends[1:] = [kind]
        total = max(sum(sizes.values()), 1)
        linked, inner = sizes["forward"] / total, (sizes["forward"] + sizes["inner"]) / total
        edge = "forward" in ends
        for number, text in enumerate(paragraphs):
            tight = number == 0 and group is not None and group is self._last_group
            forward = -(-self._forward // len(paragraphs))
            marker = (self._marker or "") if number == 0 else ""
            self.lines.append(Line(marker + text, level, tight, forward, linked, inner, edge))
        self._marker = None
        self._last_group = group

    def _group(self, text: str) -> Element | None:
        """Return the element whose lines stand close together, if the block that ends here is a line of one."""
        if self._marker is not None:
            return self._lists[0][0]
        if not self._open:
            return None
        element, name = self._open[-1]
        if name in ("tr", "dt", "dd"):
            return self._open[-2][0] if len(self._open) > 1 else None
        parent = element.getparent()
        if parent is None or "\n" in text or name not in ("div", "p", "span", "line"):
            return None
        if element is self._last_group:
            return element  # what follows a line in the same parent
        if name in ("span", "line") or _VERSE_CLASSES.intersection(classes_of(parent)):
            return parent
        return parent if name == "div" and len(text) <= MAX_VERSE else None


def _is_small(row: Element) -> bool:
    """Tell whether a row of a table holds cells, not a page laid out by a table."""
    big = ("table", "pre", *HEADINGS)
    if any(local_name(part).lower() in big for part in row.iter()):
        return False
    return len(beginning(row, MAX_ROW)) <= MAX_ROW


def folded(text: str) -> list[str]:
    """Return gathered text as paragraphs, white space folded; two line breaks part paragraphs."""
    text = _WIDE_LINE_END.sub("", _SOFT_HYPHEN.sub("", text))
    text = _CELLS.sub("\t", _BREAKS.sub("\n", _SPACES.sub(" ", text)))
    paragraphs = (part.rstrip().strip("\n\t ") for part in _PARAGRAPHS.split(text))
    return [part.translate(_RESTORED) for part in paragraphs if part.strip(f"{_BLANK}{_TAB}")]


def blocks_from(lines: Sequence[Line]) -> list[Block]:
    """Return lines as blocks, without contents. Headings that follow each other are one border, as wide as the widest."""
    blocks: list[Block] = []
    first: int | None = None  # where a run of headings began
    for line, texts in _together(without_contents(lines)):
        if line.level is None:
            first = None
            text = "\n".join(texts)
            blocks.append((text, heading_level(text)))
            continue
        border = line.level - 1 if line.level <= MARKED_LEVELS else heading_level(line.text)
        if first is None:
            first = len(blocks)
        else:
            known = [known for known in (blocks[first][1], border) if known is not None]
            blocks[first] = (blocks[first][0], min(known, default=None))
            border = None
        blocks.append((line.text, border))
    return blocks


def _together(lines: Sequence[Line]) -> Iterator[tuple[Line, list[str]]]:
    """Yield the first line of each block and the texts of all its lines."""
    first: Line | None = None
    texts: list[str] = []
    for line in lines:
        if first is not None and first.level is None and line.level is None and line.tight:
            texts.append(line.text)
            continue
        if first is not None:
            yield first, texts
        first, texts = line, [line.text]
    if first is not None:
        yield first, texts
