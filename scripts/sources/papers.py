"""Archives of papers as arXiv has them: one paper's sources (a tar, or a single file), or a tar of many papers.

A tar may hold articles in XML instead, which are handed on. Archives are read as streams by one pass that looks at names
and one that reads; links and devices in them are passed over, names are only ever compared, and a paper keeps nothing but
its TeX files, within limits.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from scripts.sources.archives import MAX_HEADER_BYTES, clean_path
from scripts.sources.records import Outcome, key_of, quarantined, removed
from scripts.sources.streams import CHUNK, BrokenStream, ChunkReader, iter_chunks

BLOCK = 512
MAX_FILE_BYTES = 8 << 20
MAX_PAPER_BYTES = 32 << 20
MAX_PAPER_FILES = 2_000
MAX_MEMBERS = 4_000_000  # a tar of PubMed Central has half a million
MAX_NESTED_BYTES = 1 << 30
_TEX = frozenset((".tex", ".ltx", ".latex"))
_KEPT = _TEX | {"", ".sty", ".def", ".inc", ".txt", ".text", ".xxx", ".json", ".yaml"}
_DRAWN = frozenset((".pgf", ".tikz"))  # pictures in TeX, of any size, that say nothing: only that they are there counts
_PACKED = frozenset((".gz", ".tgz"))
_NESTED = _PACKED | {".pdf"}
_ARTICLES = frozenset((".nxml", ".xml"))
_TELLING = _NESTED | _ARTICLES | _TEX
_IDENTIFIER = re.compile(r"(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?\d{7})(?:v\d+)?\Z")
_SUFFIXES = (".gz", ".tgz", ".tar", ".tex", ".pdf")
_COMMAND = re.compile(
    rb"\\(?:document(?:class|style)|begin\s*\{|(?:sub)*section|chapter|input|include|def|newcommand|title|label|cite|ref"
    rb"|emph|text(?:it|bf|tt)|it|bf|par|centerline|noindent|item|vskip|footnote|magnification)(?![A-Za-z])"
)
_OTHER = ((b"%PDF", "pdf_only"), (b"%!PS", "postscript_only"), (b"\x04%!PS", "postscript_only"))


@dataclass(slots=True)
class Paper:
    """The TeX files of a paper by their paths, and the key of the paper."""

    key: str
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Articles:
    """A member of an archive that is XML: its name, its first bytes, and a copy that is there until the next is asked for."""

    origin: str
    head: bytes
    path: Path


def paper_key(origin: str) -> str:
    """Return the native name of a paper without its suffixes: an identifier of arXiv alone, else with its folders.

    `records.key_of` would take the `.00001` of such an identifier for a suffix.
    """
    name = PurePosixPath(origin).name
    while name.lower().endswith(_SUFFIXES) and len(name) > 4:
        name = name.rpartition(".")[0]
    if _IDENTIFIER.match(name):
        return name
    return str(PurePosixPath(key_of(origin)).with_name(name))


def is_tar(head: bytes) -> bool:
    """Tell whether these first bytes are a header of a tar archive, by its checksum."""
    try:
        return len(head) >= BLOCK and bool(tarfile.TarInfo.frombuf(head[:BLOCK], "utf-8", "surrogateescape"))
    except tarfile.HeaderError:
        return False


def is_paper(head: bytes) -> bool:
    """Tell whether a file that starts like this is a paper for this reader: TeX, a tar, or what arXiv has instead."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return False
    return not head.strip(b"\0") or is_tar(head) or start.startswith((b"%", b"\x04%!")) or bool(_COMMAND.search(head))


def read_papers(path: Path, origin: str, nested: bool = False) -> Iterator[Paper | Articles | Outcome]:
    """Yield the papers of a file, and what is none by reason. Raises BrokenStream where the file breaks."""
    chunks = iter_chunks(path)
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= BLOCK:
            break
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    other = next((reason for magic, reason in _OTHER if start.startswith(magic)), None)
    if is_tar(head):
        yield from _tar(path, origin, nested)
    elif other:
        yield removed(other, origin)
    elif not start.strip(b"\0"):
        yield removed("empty", origin)
    elif nested and start.startswith(b"<"):
        yield Articles(origin, head, path)
    elif nested and not is_paper(head):
        yield removed("no_tex", origin)
    else:
        yield _single(path, origin)


def _single(path: Path, origin: str) -> Paper | Outcome:
    content = bytearray()
    for chunk in iter_chunks(path):
        content += chunk
        if len(content) > MAX_FILE_BYTES:
            return quarantined("too_long", origin, bytes(content[:200]))
    return Paper(paper_key(origin), {"main.tex": bytes(content)})


def _tar(path: Path, origin: str, nested: bool) -> Iterator[Paper | Articles | Outcome]:
    """Tell a tar of papers or articles from the tar of one paper by its names: no TeX file is beside them.

    A package of PubMed Central (`.nxml`) may have one as a supplement, and a paper may have pictures and data in XML.
    """
    suffixes: set[str] = set()  # of those that matter alone, however many a tar has
    broken = None
    try:
        for name, _, read in _members(path):
            suffix = posixpath.splitext(name)[1].lower()
            if suffix in _TELLING or (not suffix and _COMMAND.search(read(CHUNK))):
                suffixes.add(suffix)  # the empty one where `ms`, say, is TeX: a licence beside articles makes no paper
    except BrokenStream as error:
        broken = error
    articles = ".nxml" in suffixes or (".xml" in suffixes and not suffixes & (_TEX | {""}))
    if not nested and (articles or (suffixes & _NESTED and not suffixes & _TEX)):
        yield from _bulk(path, origin, wanted=_ARTICLES | _PACKED if articles else None)
    elif broken:
        raise broken
    else:
        yield _one(path, origin)


def _bulk(path: Path, origin: str, wanted: Set[str] | None) -> Iterator[Paper | Articles | Outcome]:
    """Yield what the members with wanted suffixes (None: all) are; each is copied to a file without a name, and broken alone."""
    for name, size, read in _members(path):
        position = f"{origin}!{name}"
        if wanted is not None and posixpath.splitext(name)[1].lower() not in wanted:
            continue
        if not size:
            yield removed("empty", position)
            continue
        if size > MAX_NESTED_BYTES:
            yield quarantined("too_long", position)
            continue
        with tempfile.NamedTemporaryFile() as copy:
            while data := read(CHUNK):
                copy.write(data)
            copy.flush()
            try:
                yield from read_papers(Path(copy.name), name, nested=True)
            except BrokenStream as error:
                yield quarantined(error.reason, f"{position} byte {error.position}")


def _one(path: Path, origin: str) -> Paper | Outcome:
    """Return the paper whose sources a tar holds."""
    paper = Paper(paper_key(origin))
    drawn: dict[str, bytes] = {}
    total = 0
    for name, size, read in _members(path):
        suffix = posixpath.splitext(name)[1].lower()
        if suffix in _DRAWN and len(drawn) < MAX_PAPER_FILES:
            drawn[name] = b""
        if suffix not in _KEPT or size > MAX_FILE_BYTES:
            continue
        data = b""
        while chunk := read(CHUNK):
            data += chunk
            if b"\0" in data[:BLOCK]:
                break
        else:
            total += len(data)
            if total > MAX_PAPER_BYTES:
                return quarantined("too_long", origin)
            if len(paper.files) >= MAX_PAPER_FILES:
                return quarantined("too_many_files", origin)
            paper.files[name] = data
    paper.files |= drawn
    return paper


def _members(path: Path) -> Iterator[tuple[str, int, Callable[[int], bytes]]]:
    """Yield (cleaned path, size, how to read it) of the regular files of a tar, which is read as a stream.

    The library's own reader keeps all headers, and reads long ones (of any size that they claim) into memory.
    Raises BrokenStream where the tar is cut or damaged, or has too many members.
    """
    stream = ChunkReader(iter_chunks(path))
    long_name = ""
    for _ in range(MAX_MEMBERS):
        header = _exactly(stream, BLOCK)
        if not header.strip(b"\0"):
            return
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            raise BrokenStream("damaged_tar", stream.tell()) from None
        left = info.size if info.size > 0 else 0
        end = stream.tell() + left + -left % BLOCK
        if info.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME) and left <= MAX_HEADER_BYTES:
            long_name = _long_name(_exactly(stream, left), info.type)
        elif info.isreg():
            name, long_name = long_name or info.name, ""
            yield clean_path(printable_name(name)), left, _reader(stream, stream.tell() + left)
        else:
            long_name = ""
        while stream.tell() < end:
            if not stream.read(min(end - stream.tell(), CHUNK)):
                raise BrokenStream("truncated", stream.tell())
    raise BrokenStream("too_many_members", stream.tell())


def printable_name(name: str) -> str:
    """Return a name as valid text, whatever its bytes were."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _reader(stream: ChunkReader, end: int) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        wanted = min(size, end - stream.tell())
        data = stream.read(wanted) if wanted > 0 else b""
        if wanted > 0 and not data:
            raise BrokenStream("truncated", stream.tell())
        return data

    return read


def _exactly(stream: ChunkReader, size: int) -> bytes:
    """Read a number of bytes; none at the very end, which counts as the end of the archive."""
    parts: list[bytes] = []
    left = size
    while left:
        data = stream.read(left)
        if not data:
            if left == size:
                return b""
            raise BrokenStream("truncated", stream.tell())
        parts.append(data)
        left -= len(data)
    return b"".join(parts)


def _long_name(data: bytes, kind: bytes) -> str:
    """Return the name in a GNU or pax header of its own; empty where it gives none."""
    if kind == tarfile.GNUTYPE_LONGNAME:
        return data.rstrip(b"\0").decode("utf-8", "surrogateescape")
    match = re.search(rb"(?:\A|\n)\d+ path=([^\n]*)\n", data)
    return match[1].decode("utf-8", "surrogateescape") if match else ""
