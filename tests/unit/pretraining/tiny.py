"""Real inputs of a training run, small: a tokenizer, shards of two sources, their orders; and the command line."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.decoders import Metaspace as MetaspaceDecoder
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Metaspace
from transformers import PreTrainedTokenizerFast

from scripts.lib.canonical import readable_json, sha256_file
from scripts.lib.indexed import IndexedWriter
from scripts.lib.special_tokens import END, SEPARATORS, SPECIAL_TOKENS
from scripts.lib.streams import document_key
from scripts.shards import index, pack

ROOT = Path(__file__).resolve().parents[3]
VOCABULARY = 61
SOURCES = {"books": 0, "web": 1}
TYPE_CODE = 17  # its place in an index


def publish(manifest: Path, **summary: Any) -> Path:
    """Write the content manifest of the files that lie beside it under its stem."""
    stem = manifest.name.removesuffix(".json")
    inside = [path for path in manifest.parent.rglob("*") if path.is_file() and path != manifest]
    names = {path.relative_to(manifest.parent).as_posix(): path for path in inside}
    entries = [
        {"name": name, "bytes": path.stat().st_size, "sha256": sha256_file(path)}
        for name, path in sorted(names.items())
        if name.startswith((stem + ".", stem + "/"))
    ]
    manifest.write_text(readable_json({"schema": 1, "files": entries, "accounting": None, "summary": summary}), "utf-8")
    return manifest


def write_tokenizer(folder: Path) -> Path:
    """Write a tokenizer whose ordinary tokens are words of two letters."""
    pieces = [*SPECIAL_TOKENS, *(f"\u2581w{number:02d}" for number in range(VOCABULARY - len(SPECIAL_TOKENS)))]
    tokenizer = Tokenizer(WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer, tokenizer.decoder = Metaspace(), MetaspaceDecoder()
    form = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        additional_special_tokens=list(SEPARATORS),
    )
    form.save_pretrained(str(folder / "tiny"))
    return publish(folder / "tiny.json", vocabulary=VOCABULARY)


def write_documents(folder: Path, source: str, split: str, documents: int, part: int = 0) -> None:
    """Write documents in which the next word mostly follows from the last, so that there is something to learn."""
    random = np.random.default_rng([SOURCES[source], len(split), *([part] if part else [])])
    first = len(SPECIAL_TOKENS)
    words = VOCABULARY - first
    stem = folder / f"{part:04d}.{split}"
    with (
        IndexedWriter(stem.with_name(stem.name + ".bin"), stem.with_name(stem.name + ".idx"), np.uint16) as writer,
        stem.with_name(stem.name + ".keys").open("wb") as keys,
    ):
        for number in range(documents):
            steps = np.where(random.random(60) < 0.8, 3 + SOURCES[source], random.integers(0, words, 60))
            writer.add([*(np.cumsum(steps) % words + first).tolist(), END])
            keys.write(document_key(f"{source}:{split}:{part}:{number}"))


class Inputs:
    """The inputs in a folder of their own."""

    def __init__(self, folder: Path, parts: int = 1) -> None:
        folder.mkdir(parents=True)
        self.tokenizer = write_tokenizer(folder)
        self.shards: list[Path] = []
        self.orders: list[Path] = []
        names = [f"{part:04d}" for part in range(parts)]
        for source in SOURCES:
            place = folder / "shards" / source
            place.mkdir(parents=True)
            for split, documents in (("train", 80), ("validation", 10), ("test", 2)):
                for part in range(parts):
                    write_documents(place, source, split, documents, part)
            self.shards += [place / f"{name}.json" for name in names]
            self.orders.append(place / "order.json")
        self.publish()

    def publish(self) -> None:
        """Publish the shards as they lie there, and their order."""
        for shard in self.shards:
            publish(shard, tokenizer_digest=sha256_file(self.tokenizer))
        for order in self.orders:
            mine = [shard for shard in self.shards if shard.parent == order.parent]
            options = ("--shards", *map(str, mine), "--manifest", str(order))
            assert index.main(["--settings", json.dumps({"parts": [shard.stem for shard in mine]}), *options]) == 0

    def claim_type(self, code: int) -> None:
        """Publish the shards again with another code of the ids' type in their indices."""
        for path in self.shards[0].parent.glob("*.idx"):
            data = bytearray(path.read_bytes())
            data[TYPE_CODE] = code
            path.write_bytes(data)
        self.publish()

    def pack(self, length: int) -> None:
        """Pack the documents of every source into sequences of a length."""
        for order in self.orders:
            options = ("--order", str(order), "--manifest", str(order.with_name(f"pack-{length}.json")))
            assert pack.main(["--settings", json.dumps({"sequence_length": length}), *options]) == 0

    def arguments(self) -> list[str]:
        """The inputs as arguments."""
        return [
            *("--tokenizer", str(self.tokenizer)),
            *("--shards", *map(str, self.shards)),
            *("--orders", *map(str, self.orders)),
        ]


def settings(family: str = "llama", steps: int = 20, dropout: float = 0.0, **training: Any) -> dict[str, Any]:
    """The settings of a tiny model, as the rule gives them."""
    return {
        "model": "tiny",
        "seed": 5,
        "corpus": "main",
        "tokenizer": "tiny",
        "objective": "masked" if "bert" in family else "causal",
        "weights": {},
        "architecture": {
            "family": family,
            "layers": 2,
            "width": 32,
            "heads": 4,
            "key_value_heads": 2 if family == "llama" else None,
            "context": 32,
            "dropout": dropout,
        },
        "training": {
            "steps": steps,
            "sequence_length": 24,
            "global_batch": 8,
            "precision": "fp32",
            "gradient_clipping": 0.5,
            "evaluate_every": 10,
            "evaluate_sequences": 6,
            "checkpoint_every": 5,
            "masked_share": 0.15,
            "optimizer": {"learning_rate": 0.01, "weight_decay": 0.1},
            "schedule": {"decay": "cosine", "warmup": 4, "final": 0.1},
            **training,
        },
    }


def command(inputs: Inputs, results: Path, chosen: dict[str, Any], *options: str) -> list[str]:
    """The arguments of a training run."""
    return [
        *inputs.arguments(),
        *("--checkpoints", str(results / "checkpoints")),
        *("--manifest", str(results / "models" / "tiny" / "model.json")),
        *("--settings", json.dumps(chosen)),
        *options,
    ]


def start(arguments: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start training in a process of its own, its log in a file."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.pretraining.train", *arguments],
            stderr=stream,
            stdout=stream,
            env=environment,
            cwd=ROOT,
        )


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes below one, children first found first."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it may end while we look
            for child in task.read_text("ascii").split():
                yield int(child)
                yield from descendants(int(child))


def run(arguments: list[str], log: Path) -> str:
    """Train to the end and return the log; a failure fails the test and shows it."""
    code = start(arguments, log).wait()
    text = log.read_text("utf-8", errors="replace")
    assert code == 0, text[-6000:]
    return text
