"""EPUB files made in a test."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
METADATA = (
    "<dc:title>Bees</dc:title><dc:creator>A. Keeper</dc:creator><dc:language>en-GB</dc:language>"
    "<dc:rights>CC0</dc:rights><dc:date>2001-02-03</dc:date>"
)
PROSE = "Bees visit flowers and carry pollen from one to the next, which is how orchards bear fruit. " * 2


def chapter(body: str, head: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{head}<html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>T</title></head><body>{body}</body></html>'
    )


def package(items: Sequence[tuple[str, str, str]], spine: str, version: str = "3.0", metadata: str = METADATA) -> str:
    """`items` are (id, href, further attributes)."""
    manifest = "".join(
        f'<item id="{name}" href="{href}" {"" if "media-type" in more else "media-type=" + chr(34)}'
        f"{'' if 'media-type' in more else 'application/xhtml+xml' + chr(34)} {more}/>"
        for name, href, more in items
    )
    return (
        f'<package xmlns="http://www.idpf.org/2007/opf" xmlns:opf="http://www.idpf.org/2007/opf" version="{version}">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata>'
        f"<manifest>{manifest}</manifest>{spine}</package>"
    )


def spine_of(*names: str, attributes: str = "") -> str:
    return f"<spine {attributes}>" + "".join(f'<itemref idref="{name}"/>' for name in names) + "</spine>"


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def book(chapters: Mapping[str, str | bytes], opf: str | bytes | None = None, **more: str | bytes) -> bytes:
    """An EPUB whose spine is its chapters, in order; `more` are members of META-INF, by name without suffix."""
    names = list(chapters)
    opf = opf or package(
        [(f"c{n}", name, "") for n, name in enumerate(names)], spine_of(*(f"c{n}" for n in range(len(names))))
    )
    members: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": opf,
    }
    members |= {f"OEBPS/{name}": content for name, content in chapters.items()}
    members |= {f"META-INF/{name}.xml": content for name, content in more.items()}
    return zipped(members)
