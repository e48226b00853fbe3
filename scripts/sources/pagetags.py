"""What a scan of a page must know of HTML: what elements do to text, and the words in class names that tell parts.

Names are looked up by their 32-bit FNV-1a hash in open-addressing tables, so that compiled loops need no strings.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]

FNV_OFFSET, FNV_PRIME, FNV_MASK = 2166136261, 16777619, 0xFFFFFFFF
TABLE_SIZE = 2048

# How strongly an element sets its text apart: not at all, as a cell of a table, as a line, as a paragraph.
INLINE, CELL, LINE, PARAGRAPH = 0, 1, 2, 3

# An element's flags, above the two bits of its separation.
VOID, SKIPPED, RAW, PRE, LINK, BREAK, LIST, ITEM = 4, 8, 16, 32, 64, 128, 256, 512
FOREIGN = 1024  # inside of a formula, where no element holds raw text but in its words

_CELLS = "td th"
_LINES = (
    "address article aside body button caption center dd details dialog dir div dt fieldset figcaption footer form "
    "frameset header hgroup html label legend main menu nav noframes search section summary tbody tfoot thead tr"
)
_PARAGRAPHS = "blockquote dl figure h1 h2 h3 h4 h5 h6 hr p table"
_VOID = "area base basefont bgsound col embed frame img input keygen link meta param source track wbr"
_SKIPPED = (
    "annotation annotation-xml applet audio canvas datalist head map noscript object optgroup option select svg "
    "template title video"
)
_RAW_SKIPPED = "iframe noembed script style"


def fnv(name: str) -> int:
    """Return the FNV-1a hash of an ASCII name."""
    value = FNV_OFFSET
    for byte in name.encode("ascii"):
        value = ((value ^ byte) * FNV_PRIME) & FNV_MASK
    return value


def table(values: dict[str, int]) -> Table:
    """Return an open-addressing table [2, TABLE_SIZE] of hashes and values; empty slots hold hash -1."""
    found = np.full((2, TABLE_SIZE), -1, np.int64)
    for name, value in values.items():
        key = fnv(name)
        slot = key % TABLE_SIZE
        while found[0, slot] not in (-1, key):
            slot = (slot + 1) % TABLE_SIZE
        found[:, slot] = key, value
    return found


def _elements() -> dict[str, int]:
    found = dict.fromkeys(_LINES.split(), LINE)
    found |= dict.fromkeys(_CELLS.split(), CELL)
    found |= dict.fromkeys(_PARAGRAPHS.split(), PARAGRAPH)
    found |= dict.fromkeys(_VOID.split(), VOID) | dict.fromkeys(_SKIPPED.split(), SKIPPED)
    found |= dict.fromkeys(_RAW_SKIPPED.split(), SKIPPED | RAW)
    found |= {"br": BREAK | VOID, "hr": PARAGRAPH | VOID, "a": LINK, "li": LINE | ITEM}
    found |= {"pre": PARAGRAPH | PRE, "listing": PARAGRAPH | PRE, "xmp": PARAGRAPH | PRE | RAW}
    found |= {"plaintext": PARAGRAPH | PRE | RAW, "ul": LINE | LIST, "ol": LINE | LIST, "menu": LINE | LIST}
    return found | {"textarea": LINE | SKIPPED, "select": LINE | SKIPPED, "svg": SKIPPED}


ELEMENTS = _elements()
# Elements of prose first and those of navigation last: trees ask whether a number is at most a limit.
_FIRST = (
    "p blockquote pre figure figcaption h1 h2 h3 h4 h5 h6 dd dt dl li ol ul td th tr tbody table article main section div body "
    "center address details summary fieldset legend header aside menu footer nav form button label a"
)
TAGS = [*_FIRST.split(), *sorted(ELEMENTS.keys() - set(_FIRST.split()))]
TAG_OF = {name: number for number, name in enumerate(TAGS)}
OTHER_TAG = len(TAGS)  # every element that is not named above: it does nothing to text
TAG_TABLE = table(TAG_OF)
TAG_FLAGS: Table = np.array([*(ELEMENTS[name] for name in TAGS), 0], np.int64)

# Parts of a page by words of class, id and role; one bit each, in this order. Element names count like words.
HINTS = {
    "navigation": "nav navbar navigation menu menus submenu dropdown topnav leftnav subnav mainmenu sitenav megamenu menuitem",
    "trail": "breadcrumb breadcrumbs crumb crumbs pagination pager paging pagenav prev previous next toc skip",
    "header": "header masthead topbar banner top head brand branding logo toolbar",
    "footer": "footer foot bottom copyright colophon legal footernav",
    "side": "aside sidebar side sidenav widget widgets rail left right complementary column col",
    "advert": "ad ads advert adverts advertisement sponsor sponsored promo promoted promotion dfp adsense cta",
    "overlay": "cookie cookies consent gdpr modal popup overlay dialog lightbox banner notice alert drawer offcanvas onetrust",
    "share": "share sharing social follow facebook twitter linkedin email like likes addtoany",
    "related": "related recommend recommended recommendations more popular trending latest recent similar also suggested",
    "comments": "comment comments reply replies respond disqus discussion commentlist",
    "meta": "meta byline author authors date time published timestamp info posted tag tags category categories",
    "form": "form search login signin signup register newsletter subscribe subscription account input contact",
    "article": "article post entry story blog news hentry posting articlebody blogpost",
    "content": "content contents body text main maincontent richtext prose rte wysiwyg markdown copy primary page mw",
    "container": "container wrapper wrap inner row grid layout section block module",
    "card": "card cards item items list listing tile teaser feed result results collection",
    "product": "product products price cart shop buy sku variant variants basket",
    "detail": "description desc details detail spec specs specification specifications summary excerpt abstract intro",
    "review": "review reviews rating ratings stars testimonial testimonials",
    "heading": "title heading headline subtitle hero caption",
    "thread": "message messages thread topic forum question answer posts postbody quote signature",
    "code": "code highlight pre example codehilite docs documentation api reference",
    "hidden": "hidden sr hide visually invisible collapsed",
    "button": "button btn link links action actions icon icons tab tabs",
    "media": "image img figure gallery slider carousel video player photo slide",
    "faq": "faq accordion question answers toggle",
}
HINT_NAMES = list(HINTS)


def _hints() -> dict[str, int]:
    found: dict[str, int] = {}
    for bit, words in enumerate(HINTS.values()):
        for word in words.split():
            found[word] = found.get(word, 0) | 1 << bit
    return found


HINT_TABLE = table(_hints())
CONCEALED = 1 << len(HINTS)  # by the hidden attribute or by style
A_HIDDEN = CONCEALED << 1  # from assistive technology
