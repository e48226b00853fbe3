"""EPUB 2 and 3: the container (zip), its package document, and what the spine says of the reading order.

Members are only ever looked up; nothing is unpacked by name. Each is read in chunks under the limits that streams have.
"""

from __future__ import annotations

import contextlib
import posixpath
import struct
import unicodedata
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from lxml import etree

from scripts.sources.bookmarkup import clean_markup
from scripts.sources.charsets import by_declaration, decode_stated
from scripts.sources.streams import (
    CHUNK,
    MAX_RATIO,
    MAX_RECORD_BYTES,
    RATIO_APPLIES_FROM,
    BrokenStream,
)
from scripts.sources.xml import OPTIONS, Element, local_name, plain_text

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
_DIRECTORY_END = b"PK\x05\x06"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NO_TEXT = ("image/", "audio/", "video/", "font/", "text/css")
_NCX, _OPF = "application/x-dtbncx+xml", "application/oebps-package+xml"
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the manifest or the spine: what it is called there, its member in the zip if there is one."""

    name: str
    member: zipfile.ZipInfo | None
    media_type: str
    navigation: bool = False
    linear: bool = True
    repeated: bool = False

    @property
    def has_text(self) -> bool:
        """Whether its media type may hold text."""
        return not self.media_type.startswith(_NO_TEXT)


@dataclass(frozen=True, slots=True)
class Package:
    """What a package document says: its metadata, the navigation documents, the spine in reading order."""

    metadata: Element | None
    navigation: tuple[Item, ...]
    spine: tuple[Item, ...]


class Container:
    """The zip file of a book."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._size = _check_directory(stream)
        self._produced = 0
        try:
            self._zip = zipfile.ZipFile(stream)
        except _BROKEN:
            raise BrokenStream("damaged_zip", self._size) from None
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._folded: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if not info.filename or info.is_dir():
                continue
            for name in _names(info):
                self._members[name] = info
                self._folded[_fold(name)] = info

    @property
    def only_text(self) -> zipfile.ZipInfo | None:
        """The text that a zip consists of, as Project Gutenberg packs its plain ones; None where it holds more."""
        members = self._zip.infolist()
        return members[0] if len(members) == 1 and members[0].filename.lower().endswith(".txt") else None

    def find(self, path: str, folder: str = "") -> zipfile.ZipInfo | None:
        """Return the member that a path means, seen from a folder: as it stands, percent-decoded or in other case."""
        for name in (path, urllib.parse.unquote(path.partition("#")[0])):
            clean = _clean(posixpath.join(folder, name.replace("\\", "/")))
            found = self._members.get(clean) or self._folded.get(_fold(clean))
            if found:
                return found
        return None

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """Return the bytes of a member. Raises BrokenStream where it is encrypted, damaged, too long or a bomb."""
        if info.flag_bits & 1:
            raise BrokenStream("encrypted", 0)
        if info.compress_type not in _METHODS:
            raise BrokenStream("unsupported_compression", 0)
        content = bytearray()
        try:
            with self._zip.open(info) as member:
                while chunk := member.read(CHUNK):
                    content += chunk
                    self._produced += len(chunk)
                    self._check_limits(len(content))
        except EOFError:
            raise BrokenStream("truncated", len(content)) from None
        except _BROKEN:
            raise BrokenStream("damaged_compression", len(content)) from None
        return bytes(content)

    def _check_limits(self, length: int) -> None:
        if self._produced > RATIO_APPLIES_FROM and self._produced > MAX_RATIO * self._size:
            raise BrokenStream("compression_bomb", self._produced)
        if length > MAX_RECORD_BYTES:
            raise BrokenStream("too_long", length)

    def document(self, path: str) -> Element | None:
        """Return the root of an XML member, mended as far as it can be; None where there is no such member or no XML."""
        info = self.find(path)
        return None if info is None else parse_xml(self.read(info))


def parse_xml(data: bytes) -> Element | None:
    """Return the root of an XML document, mended as far as it can be, or None."""
    # The mending parser lets invalid bytes and surrogates through, which then cannot be read.
    text = decode_stated(data, by_declaration(data) or "utf-8")
    text = clean_markup(data.decode("utf-8", "replace") if text is None else text)
    parser = etree.XMLParser(recover=True, remove_comments=True, remove_pis=True, encoding="utf-8", **OPTIONS)
    try:
        return etree.fromstring(text.strip().encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _check_directory(stream: IO[bytes]) -> int:
    """Return the size of a zip file. Raises BrokenStream where its end is cut off or its directory is too long."""
    size = stream.seek(0, 2)
    stream.seek(max(size - (1 << 16) - 22, 0))
    tail = stream.read()
    at = tail.rfind(_DIRECTORY_END)
    if at < 0 or len(tail) - at < 22:
        raise BrokenStream("truncated", size)
    if struct.unpack_from("<L", tail, at + 12)[0] > MAX_RECORD_BYTES:
        raise BrokenStream("too_long", size)
    return size


def _names(info: zipfile.ZipInfo) -> Iterator[str]:
    """Yield a member's path, and as UTF-8 where it is that without saying so."""
    yield _clean(info.filename)
    if not info.flag_bits & 0x800 and not info.filename.isascii():
        with contextlib.suppress(UnicodeError):
            yield _clean(info.filename.encode("cp437").decode("utf-8"))


def _clean(path: str) -> str:
    """Return a path from the root of the container; what leads out of it ends at its root."""
    return posixpath.normpath("/" + path.replace("\\", "/").lstrip("/")).lstrip("/")


def folder_of(info: zipfile.ZipInfo) -> str:
    """Return the folder of a member."""
    return posixpath.dirname(_clean(info.filename))


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def open_package(container: Container) -> Package:
    """Return the package document of a book. Raises BrokenStream where it is missing, malformed or under DRM."""
    root = container.document(CONTAINER)
    if root is None:
        raise BrokenStream("no_container" if container.find("mimetype") else "no_epub", 0)
    renditions = [part for part in root.iter("{*}rootfile") if part.get("full-path")]
    renditions.sort(key=lambda part: part.get("media-type", _OPF) != _OPF)  # a PDF may stand before the book
    path = str(renditions[0].get("full-path")) if renditions else None
    info = container.find(path) if path else None
    if info is None:
        raise BrokenStream("no_package", 0)
    package = parse_xml(container.read(info))
    spine = None if package is None else next(package.iter("{*}spine"), None)
    if package is None or spine is None:
        raise BrokenStream("malformed_package", 0)
    found = _items(container, package, spine, folder_of(info))
    if not found.spine:
        raise BrokenStream("empty_spine", 0)
    if _is_under_drm(container, found.spine):
        raise BrokenStream("drm", 0)
    return found


def _items(container: Container, package: Element, spine: Element, folder: str) -> Package:
    manifest: dict[str, Element] = {}
    for entry in package.iterfind("{*}manifest/{*}item"):
        manifest.setdefault(entry.get("id", ""), entry)
    items = {name: _item(container, entry, folder, spine.get("toc")) for name, entry in manifest.items()}
    order: list[Item] = []
    met: set[str] = set()
    for reference in spine.iter("{*}itemref"):
        name = _with_text(reference.get("idref", ""), manifest, items)
        item = items.get(name) or Item(name, None, "")
        linear = reference.get("linear", "yes").strip().lower() != "no"
        key = item.member.filename if item.member else name
        order.append(Item(item.name, item.member, item.media_type, item.navigation, linear, key in met))
        met.add(key)
    navigation = tuple(item for item in items.values() if item.navigation)
    return Package(next(package.iter("{*}metadata"), None), navigation, tuple(order))


def _item(container: Container, entry: Element, folder: str, toc: str | None) -> Item:
    href, media_type = entry.get("href", ""), entry.get("media-type", "").strip().lower()
    navigation = media_type == _NCX or entry.get("id") == toc or "nav" in entry.get("properties", "").split()
    return Item(href, container.find(href, folder) if href else None, media_type, navigation)


def _with_text(name: str, manifest: dict[str, Element], items: dict[str, Item]) -> str:
    """Return the item, or what the manifest gives in place of it where it is no text."""
    tried: set[str] = set()
    while name in items and not items[name].has_text and manifest[name].get("fallback") and name not in tried:
        tried.add(name)
        name = manifest[name].get("fallback")
    return name


def _is_under_drm(container: Container, spine: tuple[Item, ...]) -> bool:
    """Tell whether content documents are encrypted; fonts may be, which is how publishers obfuscate them."""
    info = container.find(ENCRYPTION)
    if info is None:
        return False
    root = parse_xml(container.read(info))
    if root is None:
        raise BrokenStream("malformed_encryption", 0)
    encrypted = [container.find(part.get("URI", "")) for part in root.iter("{*}CipherReference")]
    content = {item.member.filename for item in spine if item.member is not None and item.has_text}
    return any(member is not None and member.filename in content for member in encrypted)


def text_of(metadata: Element | None, name: str) -> list[tuple[Element, str]]:
    """Return the elements of Dublin Core with this name and their text, in order."""
    if metadata is None:
        return []
    found = [(part, plain_text(part)) for part in metadata.iter("{*}" + name) if local_name(part) == name]
    return [(part, text) for part, text in found if text]
