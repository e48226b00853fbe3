"""The selected documents of a corpus as rows on disk.

Documents are numbered as they come, part by part. Nothing of a document stays in memory: ids, lengths, qualities, digests,
signatures, the keys of bands and the digests of paragraphs are spooled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scripts.cleaning.folding import U8, U32, U64
from scripts.cleaning.minhash import PARAGRAPH, digest
from scripts.cleaning.mixing import mixed
from scripts.cleaning.spool import I64, Spool, TextSpool
from scripts.lib.compiled import compiled
from scripts.lib.documents import read_batches
from scripts.lib.errors import UserError
from scripts.lib.manifest import Artefact
from scripts.lib.progress import progress
from scripts.lib.versions import source_ids

DIGEST = 4  # numbers of 32 bits in a digest
OCCURRENCE = np.dtype([("document", "<i8"), *PARAGRAPH.descr])


@dataclass(frozen=True)
class Part:
    """One part of a source with its verified artefacts."""

    source: str
    part: str
    signatures: Artefact
    selection: Artefact

    @property
    def kept(self) -> int:
        """How many documents the selection keeps."""
        return int(self.selection.manifest["accounting"]["kept"])


@dataclass
class Corpus:
    """All selected documents of a corpus; every spool has a row for each, that of paragraphs for each of those."""

    parts: Sequence[Part]
    starts: I64  # the number of the first document of each part
    names: TextSpool
    characters: Spool
    quality: Spool | None  # -inf for a document without one
    ids: Spool  # digests of names, those of the source
    exact: Spool
    minhash: Spool
    worded: Spool
    bands: list[Spool]  # keys, equal where all numbers of the band are
    paragraphs: Spool | None  # OCCURRENCE

    def part(self, positions: I64) -> I64:
        """Return the places of the parts of documents among all parts."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    def source_names(self) -> list[str]:
        """Return the names of the sources by priority."""
        return list(dict.fromkeys(one.source for one in self.parts))

    def sources(self, positions: I64) -> NDArray[np.int32]:
        """Return the priorities of the sources of documents: 0 is the first."""
        ranks = {name: rank for rank, name in enumerate(self.source_names())}
        found: NDArray[np.int32] = np.array([ranks[one.source] for one in self.parts], np.int32)[self.part(positions)]
        return found


def read_corpus(parts: Sequence[Part], folder: Path, bands: int, rows: int, minimum: int | None) -> Corpus:
    """Spool the selected documents of all parts into `folder`; paragraphs of at least `minimum` characters, None for none.

    Raises UserError when signatures and selections do not tell of the same documents.
    """
    scored = any(_has_quality(part) for part in parts)
    corpus = Corpus(
        parts=parts,
        starts=np.cumsum([0, *(part.kept for part in parts)])[:-1].astype(np.int64),
        names=TextSpool(folder / "names"),
        characters=Spool(folder / "characters", "<i8"),
        quality=Spool(folder / "quality", "<f8") if scored else None,
        ids=Spool(folder / "ids", "<u4", DIGEST),
        exact=Spool(folder / "exact", "<u4", DIGEST),
        minhash=Spool(folder / "minhash", "<u4", _width(parts)),
        worded=Spool(folder / "worded", "<i4"),
        bands=[Spool(folder / f"band{band}", "<u8") for band in range(bands)],
        paragraphs=Spool(folder / "paragraphs", OCCURRENCE) if minimum else None,
    )
    for start, part in zip(corpus.starts.tolist(), progress(parts, len(parts), "documents"), strict=True):
        first = start
        for batch in _selected(part):
            _spool(corpus, batch, rows)
            if corpus.paragraphs is not None and minimum:
                corpus.paragraphs.append(_paragraphs(batch, first, minimum))
            first += len(batch)
        if first - start != part.kept:
            raise _disagreement(part)
    return corpus


def _width(parts: Sequence[Part]) -> int:
    widths = {_schema(part.signatures).field("minhash").type.byte_width // 4 for part in parts}
    if len(widths) > 1:
        raise UserError(f"Signatures have {sorted(widths)} numbers; run the workflow again so that all have as many.")
    return widths.pop() if widths else 1


def _schema(artefact: Artefact) -> pa.Schema:
    return pq.read_schema(_table(artefact))


def _table(artefact: Artefact) -> Path:
    return artefact.path(f"{artefact.manifest_path.stem}.parquet")


def _has_quality(part: Part) -> bool:
    return "quality" in _schema(part.selection).names


def _selected(part: Part) -> Iterator[pa.RecordBatch]:
    """Yield the signatures of the documents that a selection keeps, with their quality where the selection has one."""
    columns = ["id", "kept", *(["quality"] if _has_quality(part) else [])]
    signed, selected = read_batches(_table(part.signatures)), read_batches(_table(part.selection), columns)
    for signatures, verdicts in aligned(signed, selected):
        if verdicts is None or signatures is None or not signatures.column("id").equals(verdicts.column("id")):
            raise _disagreement(part)
        if "quality" in columns:
            signatures = signatures.append_column("quality", verdicts.column("quality"))
        yield signatures.filter(verdicts.column("kept"))


def aligned(
    one: Iterator[pa.RecordBatch], other: Iterator[pa.RecordBatch]
) -> Iterator[tuple[pa.RecordBatch | None, pa.RecordBatch | None]]:
    """Yield rows of two tables side by side, in batches of equal length; None for the one that ends before the other."""
    first, second = next(one, None), next(other, None)
    while first is not None and second is not None:
        length = min(len(first), len(second))
        yield first.slice(0, length), second.slice(0, length)
        first = first.slice(length) if length < len(first) else next(one, None)
        second = second.slice(length) if length < len(second) else next(other, None)
    if first is not None or second is not None:
        yield first, second


def _disagreement(part: Part) -> UserError:
    return UserError(
        f"{part.selection.manifest_path} does not decide on the documents of {part.signatures.manifest_path}; run again."
    )


def _spool(corpus: Corpus, batch: pa.RecordBatch, rows: int) -> None:
    names = batch.column("id")
    corpus.names.append(names)
    corpus.characters.append(batch.column("characters").to_numpy())
    if corpus.quality is not None:
        quality = np.full(len(batch), np.nan)
        if "quality" in batch.schema.names:
            quality = batch.column("quality").to_numpy(zero_copy_only=False).astype(np.float64)
        corpus.quality.append(np.where(np.isnan(quality), -np.inf, quality))
    names = source_ids(names)
    offsets = np.frombuffer(names.buffers()[1], np.int32)[names.offset : names.offset + len(names) + 1]
    ids = np.empty((len(names), 2), np.uint64)
    _digests(np.frombuffer(names.buffers()[2] or b"", np.uint8), offsets.astype(np.int64), ids)
    corpus.ids.append(ids.view(np.uint32))
    corpus.exact.append(_numbers(batch.column("exact"), DIGEST))
    corpus.worded.append(batch.column("worded").to_numpy())
    minhash = _numbers(batch.column("minhash"), corpus.minhash.width)
    corpus.minhash.append(minhash)
    keys = np.empty((len(corpus.bands), len(batch)), np.uint64)
    _band_keys(minhash, rows, keys)
    for band, found in zip(corpus.bands, keys, strict=True):
        band.append(found)


def _numbers(column: pa.Array, width: int) -> U32:
    """Return a column of packed numbers, uint32 [documents, width]."""
    found = np.frombuffer(column.buffers()[1], "<u4").reshape(-1, width)
    return found[column.offset : column.offset + len(column)]


def _paragraphs(batch: pa.RecordBatch, first: int, minimum: int) -> NDArray[np.void]:
    """Return the paragraphs of a batch of which document `first` is the first, OCCURRENCE."""
    packed = batch.column("paragraphs")
    offsets = np.frombuffer(packed.buffers()[1], np.int32)[packed.offset : packed.offset + len(packed) + 1]
    size = PARAGRAPH.itemsize
    records = np.frombuffer(packed.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]].view(PARAGRAPH)
    found = np.empty(len(records), OCCURRENCE)
    found["document"] = first + np.repeat(np.arange(len(packed)), np.diff(offsets) // size)
    for name in PARAGRAPH.names or ():
        found[name] = records[name]
    return np.compress(found["characters"] >= minimum, found)


@compiled
def _digests(data: U8, offsets: I64, found: U64) -> None:
    """Write a 128-bit digest of every text."""
    for row in range(len(found)):
        digest(data[offsets[row] : offsets[row + 1]].astype(np.uint64), found[row])


@compiled
def _band_keys(minhash: U32, rows: int, keys: U64) -> None:
    """Write a 64-bit key of each band of each signature, uint64 [bands, documents]."""
    for band in range(len(keys)):
        for row in range(len(minhash)):
            key = np.uint64(band)
            for place in range(band * rows, (band + 1) * rows):
                key = mixed(key ^ np.uint64(minhash[row, place]))
            keys[band, row] = key
