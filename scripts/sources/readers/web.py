"""Web pages: WARC files (ISO 28500) in any compression, WET files, ARC files, and single HTML files.

Pages give their main text, WET records theirs as it is. Requests, error responses, redirects and what is no HTML are
removed by reason.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex
from resiliparse.parse.html import HTMLTree

from scripts.sources.arc import BEGINS as ARC_BEGINS
from scripts.sources.arc import arc_as_warc, starts_record
from scripts.sources.bodies import BrokenBody, decoded
from scripts.sources.charsets import decode_page
from scripts.sources.decoding import decode
from scripts.sources.maintext import main_text
from scripts.sources.members import iter_runs, iter_stretches
from scripts.sources.records import Deferred, Outcome, Record, key_of, quarantined, removed
from scripts.sources.streams import MAX_RECORD_BYTES, BrokenStream, compression, iter_chunks, read_whole
from scripts.sources.warcs import (
    HEADER_BYTES,
    LONGEST_HEADER,
    MARK,
    Misfit,
    after_blank_line,
    field,
    fields,
    final_answer,
    iter_records,
    media_type,
    starts_warc,
)

_HTML, _PLAIN = ("text/html", "application/xhtml+xml"), "text/plain"
SAMPLED = 1 << 10  # characters at each of two places by which a page is told from bytes
_READ, _FETCHED = (b"response", b"resource", b"conversion"), ("response", "resource")
_ANSWER = regex.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})\b")
_CHARSET = regex.compile(r"\bcharset\s*=[\s\"']*([^\s\"';,]+)", regex.I)
_HTML_BYTES = tuple(name.encode() for name in _HTML)
# What the header of a record itself says its block is, where that may be a page or its text.
_FORMS = {b"resource": (*_HTML_BYTES, b"application/http"), b"conversion": (*_HTML_BYTES, _PLAIN.encode(), b"")}
_BLANK = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"  # marks, and white space in any encoding
_ARC_NAME = regex.compile(r"\.arc(?:\.[a-z0-9]+)?\Z", regex.I)
_NO_TEXT = regex.compile("[\x00-\x08\x0e-\x1f\x7f\ufffd]")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a page is from: its key, its URL and when it was fetched, as far as they are known."""

    key: str
    url: str | None
    date: str | None


def read(path: Path, origin: str, options: Mapping[str, Any]) -> Iterator[Outcome | Deferred]:
    """Yield one outcome a record of an archive, or the one of an HTML file. No options."""
    try:
        head = next(iter_chunks(path), b"").lstrip(_BLANK)
    except BrokenStream:
        head = b""  # what can be saved of it is found below
    try:
        if head.startswith(b"<"):
            yield page_outcome(read_whole(path), None, Address(key_of(origin), None, None), origin)
        else:
            arc = not head.startswith(MARK) and (_is_arc(head) or _ARC_NAME.search(origin) is not None)
            yield from _outcomes(_archive(path, origin, head, arc))
    except BrokenStream as error:
        yield quarantined(error.reason, f"byte {error.position}")


def _is_arc(head: bytes) -> bool:
    return head.startswith(ARC_BEGINS) or starts_record(head)


def _archive(path: Path, origin: str, head: bytes, arc: bool) -> Iterator[bytes | Misfit]:
    begins = _is_arc if arc else starts_warc
    packed = compression(path)
    damaged = packed is None and not begins(head)  # at its beginning, if the name says that it is packed
    if packed == "zstd" or (damaged and origin.endswith(".zst")):
        return _pieces(iter_stretches(path, begins), arc)
    if packed == "gzip" or (damaged and origin.endswith(".gz")):
        return _pieces(iter_runs(path, begins), arc)
    chunks = iter_chunks(path)
    return iter_records(arc_as_warc(chunks) if arc else chunks)


def _pieces(pieces: Iterable[Iterator[bytes]], arc: bool) -> Iterator[bytes | Misfit]:
    """Yield the records of a packed file, of which each piece ends where it is damaged. What is damaged costs itself."""
    for chunks in pieces:
        try:
            yield from iter_records(arc_as_warc(chunks) if arc else chunks)
        except BrokenStream as error:
            yield Misfit(error.reason, f"byte {error.position}".encode())


def _outcomes(records: Iterator[bytes | Misfit]) -> Iterator[Outcome | Deferred]:
    found = 0
    for found, data in enumerate(records, start=1):
        if isinstance(data, Misfit):
            yield _misfit(data, f"record {found}")
        elif reason := passed_over(data):
            yield removed(reason, f"record {found}")
        else:
            yield functools.partial(_outcome, data, f"record {found}")
    if not found:
        yield quarantined("no_warc", "record 0")


def _misfit(data: Misfit, position: str) -> Outcome:
    """Return what becomes of what is no record: of one that is too long it is known whether it could be a page."""
    reason = passed_over(data.sample) if data.reason == "too_long" else None
    return removed(reason, position) if reason else quarantined(data.reason, position, data.sample)


def _outcome(data: bytes, position: str) -> Outcome:
    """Return what comes of one whole record."""
    end = after_blank_line(data, 0, LONGEST_HEADER)
    about = fields(data[:end])
    kind, form, address = about.get("warc-type", "").lower(), about.get("content-type"), _address(about)
    if kind == "conversion":
        return _converted(data[end:], form or _PLAIN, address, position)
    if kind not in _FETCHED:
        return removed("no_page_record", position, address.url or "")
    start = final_answer(data, end)
    if not data.startswith(b"HTTP/", start) or not (kind == "response" or media_type(form) == "application/http"):
        return _page(data[end:], {"content-type": form or ""}, address, position)
    stop = after_blank_line(data, start, start + LONGEST_HEADER)
    if not stop and len(data) > start + LONGEST_HEADER:
        return quarantined("malformed_http", position, data[start:])
    answer, stop = _ANSWER.match(data, start), stop or len(data)
    if answer is None or answer[1] != b"200":
        return removed("no_success_response", position, address.url or "")
    return _page(data[stop:], fields(data[start:stop]), address, position)


def passed_over(data: bytes) -> str | None:
    """Return why a record has no page, as far as a look at its headers tells without parsing them; most have none."""
    end = after_blank_line(data, 0, HEADER_BYTES)
    head = data[:end].lower()
    kind = field(head, b"warc-type")
    if kind is not None and kind not in _READ:
        return "no_page_record"
    if kind in _FORMS:
        return _no_form_of(head, _FORMS[kind])
    answer = _ANSWER.match(data, final_answer(data, end)) if kind == b"response" else None
    if answer is None:
        return None
    if answer[1] != b"200":
        return "no_success_response"
    stop = after_blank_line(data, answer.end(), answer.end() + HEADER_BYTES)
    return _no_form_of(data[answer.end() : stop].lower(), _HTML_BYTES)


def _no_form_of(head: bytes, forms: Sequence[bytes]) -> str | None:
    form = field(head, b"content-type")
    known = form is None or form.partition(b";")[0].partition(b",")[0].strip() in forms
    return None if known else "no_html"


def _page(data: bytes, about: Mapping[str, str], address: Address, position: str) -> Outcome:
    """Return the main text of a page, whose server says `about` it what form and codings it has."""
    url, form = address.url or "", about.get("content-type", "")
    if media_type(form) not in _HTML:
        return removed("no_html", position, url)
    codings = ",".join(about.get(name, "") for name in ("content-encoding", "transfer-encoding"))
    try:
        data = decoded(data, codings, MAX_RECORD_BYTES)
    except BrokenBody as error:
        return quarantined("broken_payload", position, f"{url} {error}")
    if len(data) > MAX_RECORD_BYTES:
        return quarantined("too_long", position, url)
    charset = _CHARSET.search(form)
    return page_outcome(data, charset[1] if charset else None, address, position)


def _converted(data: bytes, form: str, address: Address, position: str) -> Outcome:
    """Return the text that somebody made of what was fetched, or the main text of a page."""
    if media_type(form) != _PLAIN:
        return _page(data, {"content-type": form}, address, position)
    text = decode(data)
    return quarantined("invalid_utf8", position, data) if text is None else _found(address, position, text, {})


def _address(about: Mapping[str, str]) -> Address:
    identifier = about.get("warc-record-id", "").strip("<>").removeprefix("urn:uuid:")
    return Address(identifier, about.get("warc-target-uri", "").strip("<>") or None, about.get("warc-date"))


def page_outcome(data: bytes, charset: str | None, address: Address, position: str) -> Outcome:
    """Return the main text of a page as a record, or why there is none; `charset` is what its server declared."""
    sample = address.url or ""
    if not data or data.isspace():
        return removed("empty", position, sample)
    page = decode_page(data, charset)
    if _is_binary(page):
        return removed("no_html", position, sample)
    try:
        tree = HTMLTree.parse(page)
        text = main_text(tree)
    except (RuntimeError, ValueError) as error:
        return quarantined("broken_html", position, f"{sample} {error}")
    if not text or text.isspace():
        return removed("no_main_text", position, sample)
    return _found(address, position, text, {"title": tree.title or None})


def _found(address: Address, position: str, text: str, meta: Mapping[str, Any]) -> Outcome:
    if not address.key:
        return quarantined("record_without_id", position, address.url or "")
    return Record(key=address.key, text=text, url=address.url, date=address.date, meta=meta)


def _is_binary(page: str) -> bool:
    """Tell whether a page is an image, a PDF or the like: by its beginning and middle, where text has hardly a control."""
    middle = len(page) // 2
    sample = page[:SAMPLED] + page[middle : middle + SAMPLED]
    return len(_NO_TEXT.findall(sample)) * 20 > len(sample)
