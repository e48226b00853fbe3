"""Follow one document through the artefacts under `results/`; data are not verified, and files are read in small batches."""

from __future__ import annotations

import difflib
import heapq
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scripts.lib.canonical import sha256_file
from scripts.lib.documents import read_batches
from scripts.lib.errors import UserError
from scripts.lib.indexed import IndexedReader
from scripts.lib.manifest import load_manifest
from scripts.lib.matching import TOKENIZER_DIGEST
from scripts.lib.streams import KEY_BYTES, document_key
from scripts.lib.unspaced import UNSPACED
from scripts.lib.versions import source_id
from scripts.reproducibility.batches import ModelBatches, planned_models

Facts = dict[str, Any]
NEAR = 5  # suggestions for an unknown id
# With which a URL without scheme begins, and no id, which has a source.
_HOST = re.compile(r"[^/:]+\.[^/:]+(?::\d+)?(?:/|$)")
PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]*>")


def rows_where(path: Path, column: str, value: str) -> list[Facts]:
    """Return the rows of a Parquet file in which a column has a value; row groups that cannot hold it are skipped."""
    if not path.is_file() or column not in pq.read_schema(path).names:
        return []
    rows: list[Facts] = pq.read_table(path, filters=pc.field(column) == value).to_pylist()
    return rows


def places(path: Path, column: str, values: Sequence[str]) -> Iterator[int]:
    """Yield the numbers of the rows in which a column has one of some values."""
    start, wanted = 0, pa.array(values, pa.string())
    for batch in read_batches(path, [column], 65_536):
        for number in pc.indices_nonzero(pc.is_in(batch.column(0), wanted)).to_pylist():
            yield start + number
        start += batch.num_rows


def row_at(path: Path, number: int) -> Facts:
    """Return one row of a Parquet file by its number; only its row group is read."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if number < size:
                row: Facts = file.read_row_group(group).slice(number, 1).to_pylist()[0]
                return row
            number -= size
    raise UserError(f"{path} has fewer rows than the file before it; run the workflow again.")


def part_files(folder: Path) -> list[Path]:
    """Return the Parquet files of a folder of parts that are published, ascending."""
    return [path for path in sorted(folder.glob("*.parquet")) if path.with_suffix(".json").is_file()]


class Trace:
    """What the results tell of one document."""

    def __init__(self, results: Path) -> None:
        self.results = results
        if not any(results.glob("sources/*/documents/*.json")):
            raise UserError(f"{results} holds no documents; run the workflow, or name its results with --results.")

    def find(self, wanted: str) -> tuple[str, Path, int]:
        """Return source, file and row of a document, by its id or URL, its scheme or not. Raises UserError with what is near."""
        named = wanted.partition(":")[0] in self._sources("")  # an id may hold an address: `web:https://example.org/`
        bare = not named and "://" not in wanted and _HOST.match(wanted) is not None
        column = "url" if bare or ("://" in wanted and not named) else "id"
        values = [f"https://{wanted}", f"http://{wanted}"] if bare else [wanted]
        found: list[tuple[str, Path, int]] = []
        for source in self._sources(wanted if column == "id" else ""):
            for path in part_files(self.results / "sources" / source / "documents"):
                found += [(source, path, row) for row in places(path, column, values)]
        if not found:
            raise self._unknown(values[0], column)
        if len(found) > 1:
            ids = dict.fromkeys(row_at(path, row)["id"] for _, path, row in found)
            if len(ids) > 1:
                raise UserError(
                    f"{wanted} is the URL of {len(ids)} documents ({', '.join(list(ids)[:NEAR])}); name one."
                )
        return found[0]

    def _sources(self, identifier: str) -> list[str]:
        """Return the sources that may hold an id: the one that it names, or all."""
        names = sorted(path.parent.name for path in self.results.glob("sources/*/documents"))
        named = identifier.partition(":")[0]
        return [named] if named in names else names

    def _unknown(self, wanted: str, column: str) -> UserError:
        source, _, key = wanted.partition(":")
        broken = self._quarantined(source, key) if column == "id" else None
        if broken:
            return UserError(
                f"{wanted} is no document: its record is quarantined as {broken['reason']} ({broken['file']}, "
                f"{broken['position']}); see sources/{source}/documents/*.quarantine.jsonl."
            )
        nearest: list[tuple[int, str]] = []
        names = self._sources(wanted if column == "id" else "")
        for name in names:
            for path in part_files(self.results / "sources" / name / "documents"):
                for batch in read_batches(path, [column], 65_536):
                    values = {value for value in batch.column(0).to_pylist() if value}
                    near = [(shared_start(wanted, value), value) for value in values]
                    nearest = heapq.nlargest(200, [*nearest, *near])
        close = difflib.get_close_matches(wanted, [value for _, value in nearest], NEAR, 0.5)
        hint = f"near it are {', '.join(close)}" if close else f"the sources are {', '.join(self._sources(''))}"
        return UserError(f"There is no document with the {column} {wanted} under {self.results}; {hint}.")

    def _quarantined(self, source: str, key: str) -> Facts | None:
        for path in sorted((self.results / "sources" / source / "documents").glob("*.quarantine.jsonl")):
            with path.open(encoding="utf-8") as lines:
                for line in lines:
                    entry: Facts = json.loads(line)
                    if str(entry["position"]) == key:
                        return entry
        return None

    def facts(self, wanted: str) -> Facts:
        """Return all that is known of a document."""
        source, path, row = self.find(wanted)
        document, part = row_at(path, row), path.stem
        folder = self.results / "sources" / source
        measured = rows_where(folder / "annotations" / path.name, "id", document["id"])
        attributes = measured[0] if measured else {}
        return {
            "id": document["id"],
            "source": source,
            "part": part,
            "row": row,
            "record": {name: value for name, value in document.items() if name not in ("id", "text")},
            "raw": self._raw(folder, part),
            "text": {"characters": len(document["text"]), "begins": document["text"][:200]},
            "attributes": {name: value for name, value in attributes.items() if name != "id"},
            "corpora": [self._corpus(one, source, part, document, attributes) for one in self._corpora(source, part)],
        }

    def _raw(self, folder: Path, part: str) -> list[str]:
        manifest = folder / "raw" / f"{part}.json"
        return [entry["name"] for entry in load_manifest(manifest)["files"]] if manifest.is_file() else []

    def _corpora(self, source: str, part: str) -> list[str]:
        found = self.results.glob(f"corpora/*/selection/{source}/{part}.json")
        return sorted(path.parents[2].name for path in found)

    def _corpus(self, corpus: str, source: str, part: str, document: Facts, attributes: Facts) -> Facts:
        folder, identifier = self.results / "corpora" / corpus, document["id"]
        selection = folder / "selection" / source / f"{part}.parquet"
        verdict = next(iter(rows_where(selection, "id", identifier)), None)
        if verdict is None:
            raise UserError(f"{selection} has no verdict on {identifier}; run the workflow again.")
        thresholds = load_manifest(selection.with_suffix(".json"))["summary"].get("thresholds", {})
        copies = rows_where(folder / "duplicates.parquet", "id", identifier)
        held = rows_where(folder / "contamination.parquet", "id", identifier)
        repeated = rows_where(folder / "duplicates.paragraphs.parquet", "id", identifier)
        mine = {"source": source, "part": part}
        copies, held, repeated = [
            [row for row in rows if row.items() >= mine.items()] for rows in (copies, held, repeated)
        ]
        survives = rows_where(folder / "duplicates.parquet", "survivor", identifier)
        path = folder / "documents" / source / f"{part}.parquet"
        curated = (
            None if copies else self._curated(path, corpus, document)
        )  # another copy may have the id that this one had
        goes = not verdict["kept"] or copies or any(row["removed"] for row in held)
        return {
            "corpus": corpus,
            "selected": verdict["kept"],
            "reason": verdict["reason"],
            "verdicts": verdicts(verdict, thresholds, attributes | self._flags(thresholds, source, part, identifier)),
            "duplicate_of": [_without(row, "id", "source", "part") for row in copies],
            "survivor_of": [_without(row, "survivor") for row in survives],
            "repeated_paragraphs": [_without(row, "id", "source", "part") for row in repeated],
            "contamination": [_without(row, "id", "source", "part") for row in held],
            "curated": curated,
            "nothing_left": curated is None and not goes and empties(path.with_suffix(".json")),
        }

    def _flags(self, rules: Facts, source: str, part: str, identifier: str) -> Facts:
        """Return what the lexicons that rules name (`lexicon.NAME.rule`) found in a document."""
        found: Facts = {}
        for name in dict.fromkeys(rule.split(".")[1] for rule in rules if rule.startswith("lexicon.")):
            path = self.results / "lexicons" / name / "flags" / source / f"{part}.parquet"
            for row in rows_where(path, "id", identifier):
                found |= {f"lexicon.{name}.{column}": value for column, value in row.items()}
        return found

    def _curated(self, path: Path, corpus: str, document: Facts) -> Facts | None:
        """Return where the curated text lies and what changed in it; None when it went or is not made."""
        if not path.with_suffix(".json").is_file():
            return None
        row = next(places(path, "id", [source_id(document["id"])]), None)
        if row is None:
            return None
        curated = row_at(path, row)
        put = Counter(PLACEHOLDER.findall(curated["text"]))
        put.subtract(PLACEHOLDER.findall(document["text"]))
        return {
            "file": str(path.relative_to(self.results)),
            "row": row,
            "split": curated["split"],
            "characters": len(curated["text"]),
            "changed": curated["text"] != document["text"],
            "personal_data": {name: count for name, count in sorted(put.items()) if count > 0},
            "shards": self._shards(corpus, path, row, curated),
        }

    def _shards(self, corpus: str, curated: Path, row: int, document: Facts) -> list[Facts]:
        """Return the place of a document in the shards of every tokenizer, and the steps that read it."""
        source, part, split = curated.parent.name, curated.stem, document["split"]
        splits = pq.read_table(curated, columns=["split"])["split"].slice(0, row)
        number = pc.sum(pc.equal(splits, split)).as_py() or 0
        found = []
        for manifest in sorted(self.results.glob(f"shards/{corpus}/*/{source}/{part}.json")):
            stem = manifest.with_name(f"{part}.{split}")
            reader = IndexedReader(stem.with_name(f"{stem.name}.bin"), stem.with_name(f"{stem.name}.idx"))
            with stem.with_name(f"{stem.name}.keys").open("rb") as keys:
                keys.seek(number * KEY_BYTES)
                key = keys.read(KEY_BYTES)
            if key != document_key(document["id"]):
                raise UserError(f"{manifest} was made of other documents than {curated}; run the workflow again.")
            tokenizer = manifest.parents[1].name
            made_by = self.results / "tokenizers" / f"{tokenizer}.json"
            if made_by.is_file() and load_manifest(manifest)["summary"][TOKENIZER_DIGEST] != sha256_file(made_by):
                raise UserError(f"{manifest} was made with another tokenizer than {made_by}; run the workflow again.")
            first, tokens = int(reader.pointers[number]) // reader.dtype.itemsize, int(reader.sizes[number])
            entry = {"tokenizer": tokenizer, "file": str(stem.relative_to(self.results)) + ".bin", "document": number}
            models = self._models(corpus, tokenizer, source, part, number) if split == "train" else []
            found.append({**entry, "first_token": first, "tokens": tokens, "models": models})
        return found

    def _models(self, corpus: str, tokenizer: str, source: str, part: str, number: int) -> list[Facts]:
        """Return for every model of these shards the training steps whose batches hold tokens of the document.

        Steps are None, and `unknown` says why, where the shards are not those that the model was given.
        """
        found = []
        for name in planned_models(self.results):
            model = ModelBatches(self.results, name)
            if (model.settings["corpus"], model.settings["tokenizer"]) != (corpus, tokenizer):
                continue
            about: Facts = {"model": name, "state": model.state, "from": model.origin, "of": model.steps}
            try:
                order, parts = model.open()
            except UserError as error:
                found.append({**about, "steps": None, "unknown": str(error)})
                continue
            known = source in order.sources and part in parts[source]
            steps = model.steps_of(order, source, parts[source].index(part), number) if known else []
            found.append({**about, "steps": steps})
        return found


def empties(manifest: Path) -> bool:
    """Tell whether curated documents are made and cuts and edits left nothing of some; no table names these."""
    return manifest.is_file() and "nothing_left" in load_manifest(manifest)["accounting"]["removed"]


def shared_start(one: str, two: str) -> int:
    """Return how many characters two texts have in common at their start."""
    return next(
        (place for place, pair in enumerate(zip(one, two, strict=False)) if pair[0] != pair[1]), min(len(one), len(two))
    )


def verdicts(row: Facts, thresholds: Facts, attributes: Facts) -> list[Facts]:
    """Return rule, outcome, value and limit of every verdict on a document."""
    found = []
    for rule, passed in row.items():
        if rule != "language" and "." not in rule:
            continue
        column, sign, limit = applied(thresholds.get(rule), attributes)
        value, entries = measured(column or rule, row, attributes)
        told = {"rule": rule, "passed": passed, "value": value, "sign": sign, "threshold": limit}
        found.append(told | ({"found": entries} if entries else {}))
    return found


def measured(column: str, row: Facts, attributes: Facts) -> tuple[Any, list[str]]:
    """Return the value that a rule looks at, and the entries of lists or the terms that it counts."""
    if column == "quality":
        return row.get(column), []
    if column.startswith("url_"):
        entries = row.get(column)
        return (None if entries is None else len(entries)), entries or []
    terms = attributes.get(f"{column.rpartition('.')[0]}.terms") if column.startswith("lexicon.") else None
    return attributes.get(column), terms or []


def applied(described: Any, attributes: Facts) -> tuple[str | None, str | None, Any]:
    """Return column, direction and threshold that a document is held to, as the selection describes its rules.

    A rule is described by a number, or by kinds of documents: `all`, `unspaced`, a language, `<language> unspaced`.
    """
    if not isinstance(described, dict):
        return None, None, described
    language = str(attributes.get("language") or "")
    tags = ["-".join(language.split("-")[:length]) for length in range(language.count("-") + 1, 0, -1)]
    unspaced = (attributes.get("unspaced_ratio") or 0) >= UNSPACED
    kinds = [f"{tag} unspaced" for tag in tags] + ["unspaced"] if unspaced else tags
    limit: list[Any] = next((described[kind] for kind in [*kinds, "all"] if kind in described), [])
    return (limit[0], limit[1], limit[2]) if limit else (None, None, None)


def _without(row: Facts, *names: str) -> Facts:
    return {name: value for name, value in row.items() if name not in names}


def plain(value: Any) -> Any:
    """Return a value as JSON holds it; for columns of bytes and Arrow's own types."""
    return value.hex() if isinstance(value, bytes) else str(value) if isinstance(value, pa.Scalar) else value
