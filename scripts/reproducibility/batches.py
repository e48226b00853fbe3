"""From the training steps of a model to the documents that their batches hold, and back.

Everything is computed from the declared index files and the settings in the model's provenance; no training is repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from scripts.lib.batch_warmup import Batches
from scripts.lib.canonical import sha256_file
from scripts.lib.errors import UserError
from scripts.lib.manifest import provenance_path
from scripts.lib.order import DataOrder, open_packings
from scripts.lib.streams import KEY_BYTES, SourceStream, Span, document_key

Facts = dict[str, Any]
READ = ("shards", "orders", "packings")  # what the batches of a model follow from, by their roles in its provenance


def shard_parts(inputs: Sequence[dict[str, str]]) -> dict[str, list[str]]:
    """Return the parts of every source in the order in which a model was given its shards."""
    found: dict[str, list[str]] = {}
    for entry in inputs:
        path = Path(entry["manifest"])
        found.setdefault(path.parent.name, []).append(path.stem)
    return found


class ModelBatches:
    """The batches of one model. `settings` are those that it was trained, or planned, with."""

    def __init__(self, results: Path, model: str) -> None:
        """Raise UserError for a model that was neither trained nor planned."""
        self.results, self.model, folder = results, model, results / "models" / model
        made = [folder / name for name in ("model.json", "plan.json") if (folder / name).is_file()]
        if not made:
            names = ", ".join(planned_models(results)) or "none"
            raise UserError(f"There is no model {model} under {results} (there are: {names}); name one, or run it.")
        self.state = "trained" if made[0].name == "model.json" else "planned"
        provenance = json.loads(provenance_path(made[0]).read_text("utf-8"))
        self.settings: Facts = provenance["settings"]
        self._inputs: dict[str, list[dict[str, str]]] = provenance["inputs"]

    @property
    def steps(self) -> int:
        """The number of training steps."""
        return int(self.settings["training"]["steps"])

    @property
    def origin(self) -> Facts | None:
        """Model and step that it starts from, or None."""
        start: Facts | None = self.settings.get("from")
        return start and {"model": start["model"], "step": start["step"]}

    @property
    def first_batch(self) -> int:
        """The batch of its order that step 0 takes."""
        return int((self.settings.get("from") or {"first_batch": 0})["first_batch"])

    @property
    def sizes(self) -> Batches:
        """The sizes of all updates."""
        return Batches.from_settings(self.settings["training"])

    def steps_of(self, order: DataOrder, source: str, part: int, document: int) -> list[int]:
        """Return the steps in which the model reads tokens of a document, ascending."""
        sizes = self.sizes
        first = self.first_batch * sizes.global_batch
        found = order.samples_of(source, part, document, first + sizes.before(self.steps))
        return sorted({sizes.step_of(sample - first) for sample in found if sample >= first})

    def open(self) -> tuple[DataOrder, dict[str, list[str]]]:
        """Return the data order and the parts of every source. Raises UserError for shards that are others by now."""
        parts, training = shard_parts(self._inputs["shards"]), self.settings["training"]
        base = self.results / "shards" / self.settings["corpus"] / self.settings["tokenizer"]
        for entry in (one for role in READ for one in self._inputs.get(role, [])):
            manifest = base.joinpath(*Path(entry["manifest"]).parts[-2:])
            if not manifest.is_file() or sha256_file(manifest) != entry["sha256"]:
                raise UserError(
                    f"{manifest} is not the one that model {self.model} was {self.state} with (its documents or its tokenizer "
                    "are others); run the workflow again."
                )
        streams = [SourceStream.open(name, base / name, names, "train") for name, names in parts.items()]
        shape = training["sequence_length"], training["global_batch"], self.settings["seed"]
        packings = open_packings(streams, shape[0]) if training.get("packing") == "best_fit" else {}
        temperature = self.settings.get("temperature") or 1.0
        causal = self.settings["objective"] == "causal"
        return DataOrder(streams, self.settings["weights"], *shape, temperature, packings, causal), parts

    def batch(self, step: int) -> Facts:
        """Return the samples of a step with the documents in them. Raises UserError for a step that is none."""
        if not 0 <= step < self.steps:
            raise UserError(f"Model {self.model} has the steps 0 to {self.steps - 1}, not {step}; name one of them.")
        (order, parts), sizes = self.open(), self.sizes
        batch, among = sizes.place(step)
        samples = order.locate(self.first_batch + batch, among)
        ids = self._ids(parts, [(sample.source, span) for sample in samples for span in sample.spans])
        rows = []
        for number, sample in enumerate(samples):
            documents = [self._document(parts[sample.source], sample.source, span, ids) for span in sample.spans]
            place = self.first_batch * sizes.global_batch + sizes.before(step) + number
            entry = {"sample": place, "row": number, "source": sample.source}
            rows.append({**entry, "epoch": sample.epoch, "window": sample.window, "documents": documents})
        about = {"model": self.model, "state": self.state, "from": self.origin, "step": step, "of": self.steps}
        return {**about, "samples": rows}

    def _document(self, names: Sequence[str], source: str, span: Span, ids: dict[tuple[str, int, int], str]) -> Facts:
        shard = Path("shards", self.settings["corpus"], self.settings["tokenizer"], source)
        return {
            "id": ids[source, span.part, span.document],
            "file": str(shard / f"{names[span.part]}.train.bin"),
            "document": span.document,
            "start": span.start,
            "stop": span.stop,
        }

    def _ids(self, parts: dict[str, list[str]], spans: Sequence[tuple[str, Span]]) -> dict[tuple[str, int, int], str]:
        """Return the ids of documents by source, part and number in the training split; a part is read once."""
        wanted: dict[tuple[str, int], set[int]] = {}
        for source, span in spans:
            wanted.setdefault((source, span.part), set()).add(span.document)
        corpus, found = self.results / "corpora" / self.settings["corpus"] / "documents", {}
        base = self.results / "shards" / self.settings["corpus"] / self.settings["tokenizer"]
        for (source, part), numbers in sorted(wanted.items()):
            name = parts[source][part]
            path = corpus / source / f"{name}.parquet"
            if not path.is_file():
                raise UserError(f"{path} is missing, so its documents have no names; run the workflow again.")
            table = pq.read_table(path, columns=["id", "split"], filters=[("split", "==", "train")])
            with (base / source / f"{name}.train.keys").open("rb") as keys:
                for number in sorted(numbers):
                    identifier = table["id"][number].as_py() if number < table.num_rows else ""
                    keys.seek(number * KEY_BYTES)
                    if keys.read(KEY_BYTES) != document_key(identifier):
                        raise UserError(
                            f"{base / source / name}.json was made of other documents than {path}; run the workflow again."
                        )
                    found[source, part, number] = identifier
        return found


def planned_models(results: Path) -> list[str]:
    """Return the names of the models that are trained or planned, ascending."""
    made = [path for name in ("model", "plan") for path in results.glob(f"models/*/{name}.json")]
    return sorted({path.parent.name for path in made})


def after(model: Facts) -> str:
    """Return in words which step of which model another one starts from."""
    start = model["from"]
    return "" if start is None else f", from step {start['step']} of {start['model']}"


def batch_lines(batch: Facts) -> Iterator[str]:
    """Yield the lines of a readable account of a step."""
    yield f"model {batch['model']} ({batch['state']}{after(batch)}), step {batch['step']} of {batch['of']}"
    for sample in batch["samples"]:
        yield (
            f"  sample {sample['sample']}: window {sample['window']:,} of source {sample['source']}, "
            f"epoch {sample['epoch']}"
        )
        for one in sample["documents"]:
            yield (
                f"    {one['id']}  tokens {one['start']:,} to {one['stop']:,}  "
                f"({one['file']}, document {one['document']:,})"
            )
