"""Wikitext to clean prose, as a reader of the page would take it in.

Templates, tables, references, files and categories go; link text, lists, headings, formulae and scripts of all kinds
stay. It is a sequence of substitutions, innermost first, each linear in the page: no parse tree, which is what makes it
fast. Broken markup is resolved as MediaWiki shows it, or dropped where MediaWiki would show an error.
"""

from __future__ import annotations

import functools

import regex

from scripts.lib.code import data_file
from scripts.sources.decoding import unescape
from scripts.sources.scripted import as_text
from scripts.sources.wikielements import replace_elements
from scripts.sources.wikitables import drop_tables
from scripts.sources.wikitemplates import render_template
from scripts.sources.wikivariants import resolve_variants

MAX_NESTING = 40

_COMMENT = regex.compile(r"<!--.*?(?:-->|\Z)", regex.S)
_DROPPED = "gallery|timeline|score|imagemap|references|hiero|graph|mapframe|maplink|templatestyles|section|inputbox|includeonly"
_VERBATIM = "nowiki|math|pre|source|syntaxhighlight|code|chem|ce"
_FORMULAE = ("math", "chem", "ce")
_PARAMETER = regex.compile(r"\{\{\{[^{}]*\}\}\}")
_TEMPLATE = regex.compile(r"\{\{((?:[^{}]|(?<!\{)\{(?!\{)|(?<!\})\}(?!\}))*)\}\}")
_LINK = regex.compile(r"\[\[([^\[\]]*(?:\[(?!\[)[^\[\]]*\](?!\])[^\[\]]*)*)\]\](\w*)")
_DISTINCTION = regex.compile(r"(?<!\s)\s*+\([^()]*\)$|,.*$")
# Bounded, else each of many openings without an end would look through the rest of its line.
_EXTERNAL = regex.compile(
    r"\[(?:https?:|ftp:|mailto:|news:|//)[^\s\]]{0,3000}+[ \t]{0,100}+([^\]\n]{0,3000}+)\]", regex.I
)
_QUOTES = regex.compile(r"'{2,}")
_BREAK = regex.compile(r"<(?:br|hr)\b[^>]*>", regex.I)
_BLOCK = regex.compile(
    r"</?(?:p|div|center|blockquote|ul|ol|li|dl|dt|dd|table|tr|td|th|h[1-6]|poem|caption)\b[^>]*>", regex.I
)
_SCRIPTS = "sub|sup"
_TAG = regex.compile(r"</?[a-zA-Z][a-zA-Z0-9]*\b[^<>]*>")
_MAGIC = regex.compile(
    r"__[\p{Lu}\p{Lo}\p{M}]{3,}+(?:_[\p{Lu}\p{Lo}\p{M}]++)*+__|^#(?:REDIRECT|WEITERLEITUNG)\b.*$", regex.M
)
_LEFT_BRACES = regex.compile(r"\{\{+|\}\}+|\[\[+|\]\]+")
_LEFT_ROW = regex.compile(r"^[ \t]*(?:\|[-}+|].*|\{\|.*|!.*!!.*)$", regex.M)
_HEADING = regex.compile(r"(={1,6})[ \t]*(.*?)[ \t]*\1[ \t]*")
_LIST = regex.compile(r"([*#;:]+)[ \t]*(.*)")
_EMPTY_ITEM = regex.compile(r"[-\s]*")
_EMPTY_BRACKETS = regex.compile(r"\((?:[ \t]|&nbsp;|\xa0|[,;:/–-])*\)")
_BRACKET_START = regex.compile(r"\((?:[ \t\xa0]*[,;:])+[ \t\xa0]*")
_BLANKS, _SEPARATORS = " \t\xa0", ",;:"
_SPACE_BEFORE = regex.compile(r"[ \t](?=[,.;:!?](?:[\s\xa0]|\Z))")
_SPACES = regex.compile(r"[ \t]{2,}")
# Stand around the numbers of what is put back before the page is tidied, and after it, as code has to be.
_MARKS = "\ue000\ue001\ue002"
_KEPT = regex.compile("\ue000(\\d+)\ue001")
_CODE = regex.compile("\ue002([0-9]{1,9})\ue001")
_NOWIKI = regex.compile(r"</?nowiki\s*+/?>", regex.I)
_ENTITY_SPACES = "\xa0\u2009\u202f\u200a"
_REFERENCE = regex.compile(
    r"&(?:#[0-9]++|#[xX][0-9a-fA-F]++|[a-zA-Z][a-zA-Z0-9]{1,31}+);"
)  # unlike HTML, no end is missing


@functools.cache
def namespaces_dropped() -> frozenset[str]:
    """Return the lower-case names of namespaces whose links show nothing: files and categories in many languages."""
    return _words(data_file("scripts/sources/lists/wikipedia-silent-namespaces.txt").read_text("utf-8"))


@functools.cache
def sections_dropped() -> frozenset[str]:
    """Return the lower-case headings of sections that hold no prose: references, external links and the like."""
    return _words(data_file("scripts/sources/lists/wikipedia-apparatus-sections.txt").read_text("utf-8"))


@functools.cache
def interwiki_prefixes() -> frozenset[str]:
    """Return the prefixes of links to the same page in other languages, which show nothing in the text."""
    return _words(data_file("scripts/sources/lists/wikipedia-languages.txt").read_text("utf-8"))


def _words(text: str) -> frozenset[str]:
    lines = (line.strip().lower() for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def clean_wikitext(text: str, silent: frozenset[str] = frozenset()) -> str:
    """Return the prose of a page in wikitext: paragraphs, headings and list items on lines of their own.

    `silent` are the lower-case names of namespaces whose links show nothing, beside those known for many languages.
    """
    kept: list[str] = []
    text = _COMMENT.sub("", _each(_MARKS, "", text))
    text = replace_elements(text, "ref", _without_note)
    text = replace_elements(text, _DROPPED, lambda name, attributes, content: "")
    text = replace_elements(text, _VERBATIM, functools.partial(_keep, kept))
    text = _resolve_templates(resolve_variants(text))
    text = drop_tables(text)
    text = _resolve_links(text, silent)
    text = _EXTERNAL.sub(r"\1", text)
    text = _strip_tags(text)
    text = _LEFT_BRACES.sub("", _LEFT_ROW.sub("", _MAGIC.sub("", text)))
    text = _KEPT.sub(lambda match: kept[int(match[1])], text)
    text = _tidy(_each(_ENTITY_SPACES, " ", _REFERENCE.sub(lambda match: unescape(match[0]), text)))
    return str(_CODE.sub(lambda match: _kept_code(kept, int(match[1])), "\n".join(_sections(text.split("\n")))))


def _kept_code(kept: list[str], number: int) -> str:
    """Return code that was kept; nothing for a number that is none of ours, since references spell any characters."""
    return kept[number] if number < len(kept) else ""


def _each(characters: str, by: str, text: str) -> str:
    """Replace each of some characters, which takes a tenth of the time of a regular expression."""
    for character in characters:
        text = text.replace(character, by)
    return text


def _without_note(name: str, attributes: str, content: str | None) -> str | None:
    """Return nothing in place of a reference; an opening without an end is left, for what follows it may be prose."""
    return None if content is None and not attributes.rstrip().endswith("/") else ""


def _keep(kept: list[str], name: str, attributes: str, content: str | None) -> str | None:
    """Put content that is no wikitext behind a placeholder, so that no later step looks into it."""
    if content is None or "/" in attributes:
        return None
    if name == "nowiki" or name in _FORMULAE:
        kept.append(f"${content.strip()}$" if name in _FORMULAE else content.strip("\n"))
        return f"\ue000{len(kept) - 1}\ue001"
    kept.append(unescape(_NOWIKI.sub("", content)).strip("\n"))
    return f"\ue002{len(kept) - 1}\ue001" if kept[-1].strip() else ""


def _resolve_templates(text: str) -> str:
    """Replace templates, innermost first, by what a reader sees of them; most show nothing that is prose."""
    for _ in range(MAX_NESTING):
        text, parameters = _PARAMETER.subn("", text)
        text, templates = _TEMPLATE.subn(lambda match: render_template(match[1]), text)
        if not parameters and not templates:
            break
    return text


def _resolve_links(text: str, silent: frozenset[str]) -> str:
    shown = functools.partial(_link_text, silent | namespaces_dropped())
    for _ in range(MAX_NESTING):
        text, count = _LINK.subn(shown, text)
        if not count:
            break
    return text


def _link_text(silent: frozenset[str], match: regex.Match[str]) -> str:
    """Return what a link shows: its label, else its target; nothing for files, categories and other languages."""
    target, bar, label = match[1].partition("|")
    prefix, colon, rest = target.partition(":")
    if colon and prefix:
        name = prefix.strip().lower().replace("_", " ")
        if name in silent or (name in interwiki_prefixes() and not bar):
            return str(match[2])
    if not bar:
        return target.removeprefix(":").replace("_", " ") + match[2] if rest or not colon else ""
    if not label.strip():  # the pipe trick: [[Mercury (planet)|]] shows Mercury
        shown = str(_DISTINCTION.sub("", target.partition(":")[2] or target))
        return f"{shown}{match[2]}"
    return f"{label.rpartition('|')[2]}{match[2]}"


def _strip_tags(text: str) -> str:
    text = replace_elements(text, _SCRIPTS, _script)
    text = _QUOTES.sub(_emphasis, text)
    end = text.rfind(">") + 1  # behind the last one each beginning of a tag would look for another
    return str(_TAG.sub("", _BLOCK.sub("\n", _BREAK.sub("\n", text[:end])))) + text[end:]


def _emphasis(match: regex.Match[str]) -> str:
    """Return what a run of apostrophes shows: 2, 3 and 5 are marks, 4 shows one apostrophe, more show the rest."""
    return "'" * {2: 0, 3: 0, 4: 1, 5: 0}.get(len(match[0]), len(match[0]) - 5)


def _script(name: str, attributes: str, content: str | None) -> str | None:
    """Return a sub- or superscript as text."""
    if content is None:
        return None
    return as_text(name, content.strip())


def _tidy(text: str) -> str:
    """Mend what removed markup left behind: empty brackets, doubled spaces, spaces before punctuation."""
    text = _without_empty_brackets(text)
    text = _without_bracket_ends(_BRACKET_START.sub("(", text))
    text = _without_empty_brackets(text)
    return str(_SPACE_BEFORE.sub("", _SPACES.sub(" ", text)))


def _without_empty_brackets(text: str) -> str:
    """Remove brackets around nothing, with the blanks before them."""
    out: list[str] = []
    done = 0
    for match in _EMPTY_BRACKETS.finditer(text):
        out.append(text[done : match.start()].rstrip(" \t"))
        done = match.end()
    return "".join([*out, text[done:]])


def _without_bracket_ends(text: str) -> str:
    """Remove commas and the like, with the blanks around them, before a closing bracket."""
    *closed, rest = text.split(")")
    for number, part in enumerate(closed):
        kept = part.rstrip(_BLANKS + _SEPARATORS)
        if part[len(kept) :].strip(_BLANKS):
            closed[number] = kept
    return ")".join([*closed, rest])


def _sections(lines: list[str]) -> list[str]:
    """Return the lines of the page as shown, without apparatus sections and headings under which nothing is left."""
    out: list[str] = []
    headings: list[tuple[int, str]] = []  # waiting for content
    skipped = 0  # level of the apparatus section that is being left out, 0 when none is
    for line in lines:
        line = line.strip()
        heading = _HEADING.fullmatch(line) if line.startswith("=") else None
        if heading:
            level, title = len(heading[1]), heading[2]
            if skipped and level > skipped:
                continue
            skipped = level if title.lower().rstrip(":") in sections_dropped() else 0
            headings = [waiting for waiting in headings if waiting[0] < level]
            if not skipped:
                headings.append((level, title))
            continue
        if skipped or not (shown := _list_item(line)):
            _blank(out)
            continue
        for _, title in headings:
            _blank(out)
            out += [title, ""]
        headings = []
        out.append(shown)
    return out


def _list_item(line: str) -> str:
    """Return a line as shown: list items with a dash, indented and defined lines plain, empty items as nothing."""
    item = _LIST.fullmatch(line) if line[:1] in ("*", "#", ";", ":") else None
    if item is None:
        return "" if _EMPTY_ITEM.fullmatch(line) else line
    content = item[2].strip()
    if _EMPTY_ITEM.fullmatch(content):
        return ""
    return f"- {content}" if item[1][-1] in "*#" else content


def _blank(out: list[str]) -> None:
    if out and out[-1]:
        out.append("")
