"""Speed and memory of training on one GPU beside what the forecast says: presets' models, layers computed again, compiled.

    PYTHONPATH=. python -m benchmarks.gpu --device h100 --profile profile.txt
    PYTHONPATH=. python -m benchmarks.gpu --models tiny  # on a CPU, in a minute or two, most of it for compiling

Each row is a process of its own that trains with `scripts.pretraining.trainer` on random tokens, one micro-batch a step, with all
that it does in a step. A step is timed from update to update, at which the device has no work left. MFU is that of
`scripts.pretraining.size.flops_per_token` without the masked half of attention, which the trainer's own log counts, of the
device's dense peak.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from tokenizers import Tokenizer
from tokenizers.decoders import Metaspace as MetaspaceDecoder
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Metaspace
from torch.profiler import profile
from transformers import PreTrainedTokenizerFast

from benchmarks.training import be_rank, needed_flops, recipe_over
from scripts.lib.code import ROOT
from scripts.lib.indexed import IndexedWriter
from scripts.lib.special_tokens import END, SPECIAL_TOKENS
from scripts.lib.step import Step, step_parser
from scripts.lib.streams import document_key
from scripts.pretraining.devices import device
from scripts.pretraining.engine import start_processes, stop_processes
from scripts.pretraining.grid import Grid
from scripts.pretraining.inputs import sources_of
from scripts.pretraining.job import Job
from scripts.pretraining.layout import lay_out
from scripts.pretraining.memory import memory
from scripts.pretraining.presence import Presence
from scripts.pretraining.recipe import BF16, FP32
from scripts.pretraining.trainer import Trainer
from scripts.shards import index

MICRO_BATCH = {"gpt2-124m": 16, "llama-350m": 8, "llama-1b": 4}  # sequences, as many as fit without computing again
WAYS = ((0, 0), (0, 1), (1, 1))  # checkpointing, compile
DOCUMENT = 500  # tokens
WARM_UP = 3  # steps: the first compile, and allocate what later ones use again
PROFILED = 2
TINY = {"family": "llama", "layers": 2, "width": 64, "heads": 4, "context": 64}


@dataclass(frozen=True)
class Model:
    """An architecture as a preset gives it, its tokenizer's size, the tokens of a sequence and the sequences of a step."""

    architecture: dict[str, Any]
    vocabulary: int
    length: int
    micro_batch: int


class Ended(Exception):
    """All steps are done."""


class Watch(Presence):
    """Notes the time of every update, profiles a few steps behind those that count, and ends the training."""

    def __init__(self, steps: int, text: Path | None) -> None:
        super().__init__(0)
        self.times: list[float] = []
        self.bytes: dict[str, float] = {}
        self.trainer: Trainer | None = None
        self._counted, self._text, self._profiler = WARM_UP + steps, text, profile()

    def note(self, words: str) -> None:
        """Take the time where an update comes next."""
        super().note(words)
        if not words.endswith(": update") or self.trainer is None:
            return
        self.times.append(time.perf_counter())
        done, cuda = len(self.times), self.trainer.engine.device.type == "cuda"
        if done == WARM_UP and cuda:
            torch.cuda.reset_peak_memory_stats()
        if done == self._counted:
            self.bytes = self.trainer.engine.peak_memory()
            if self._text is None:
                raise Ended
            self._profiler.start()
        elif done == self._counted + PROFILED and self._text is not None:
            self._profiler.stop()
            order = "self_cuda_time_total" if cuda else "self_cpu_time_total"
            with self._text.open("a", encoding="utf-8") as stream:
                found = self._profiler.key_averages().table(sort_by=order, row_limit=25, max_name_column_width=80)
                stream.write(f"{self.trainer.job.layout}\n{found}\n")
            raise Ended


def train(path: Path, steps: int, text: Path | None, talk: Connection) -> None:
    """Be the process of a row: train, and send the seconds of the steps and the bytes at the fullest moment."""
    folder = path.parent
    be_rank(0, 1, folder, Job.load(path).layout.threads)
    logging.basicConfig(level=logging.INFO, filename=folder / "log", format="%(message)s", force=True)
    on, watch = start_processes(), Watch(steps, text)
    watch.trainer = Trainer(Job.load(path), folder, on, watch)
    try:
        watch.trainer.run()
    except Ended:
        seconds = [after - before for before, after in pairwise(watch.times[WARM_UP - 1 : WARM_UP + steps])]
        talk.send((seconds, next(iter(watch.bytes.values()))))
    stop_processes()


def model_of(name: str) -> Model:
    """Return the model of a preset, or a tiny one."""
    if name == "tiny":
        return Model(TINY, 512, 64, 2)
    preset = yaml.safe_load((ROOT / "presets" / f"{name}.yaml").read_text("utf-8"))
    (chosen,) = preset["models"].values()
    vocabulary = preset["tokenizers"][chosen["tokenizer"]]["vocabulary"]
    return Model(chosen["architecture"], vocabulary, chosen["training"]["sequence_length"], MICRO_BATCH[name])


def write_tokenizer(folder: Path, vocabulary: int) -> None:
    """Write a tokenizer of so many pieces."""
    pieces = [*SPECIAL_TOKENS, *(f"\u2581w{number}" for number in range(vocabulary - len(SPECIAL_TOKENS)))]
    made = Tokenizer(WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token="<unk>"))
    made.pre_tokenizer, made.decoder = Metaspace(), MetaspaceDecoder()
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    PreTrainedTokenizerFast(tokenizer_object=made, **names).save_pretrained(str(folder))


def write_shards(folder: Path, vocabulary: int, tokens: int) -> dict[str, dict[str, Any]]:
    """Write documents of random tokens, and return them as the sources of a job."""
    manifest, order = folder / "0000.json", folder / "order.json"
    random = np.random.default_rng(1)
    step = Step("benchmarks.gpu", step_parser("").parse_args(["--settings", "{}", "--manifest", str(manifest)]))
    counts = {"train": -(-tokens // DOCUMENT), "validation": 1, "test": 1}
    with step.publish() as out:
        for split, count in counts.items():
            files = [out.file(f"0000.{split}.{suffix}") for suffix in ("bin", "idx", "keys")]
            with IndexedWriter(files[0], files[1], np.uint16) as writer, files[2].open("wb") as keys:
                for number in range(count):
                    writer.add([*random.integers(len(SPECIAL_TOKENS), vocabulary, DOCUMENT - 1).tolist(), END])
                    keys.write(document_key(f"random:{split}:{number}"))
        out.summary["tokenizer_digest"] = "random"
        out.account(incoming=sum(counts.values()), kept=sum(counts.values()))
    options = ("--shards", str(manifest), "--manifest", str(order))
    assert index.main(["--settings", json.dumps({"parts": ["0000"]}), *options]) == 0
    return sources_of([manifest], [order])


def job_of(
    model: Model, precision: str, way: tuple[int, int], tokenizer: Path, sources: dict[str, dict[str, Any]]
) -> Job:
    """Return the job of a row; without a copy of its weights in fp32, which ZeRO 1 keeps, bf16 is another model."""
    recipe = recipe_over(model.architecture, model.length, model.micro_batch, precision=precision)
    (again, compiled), zero_stage = way, int(precision == BF16)
    layout = lay_out(
        model.micro_batch,
        model.length,
        1,
        model.micro_batch,
        zero_stage,
        checkpointing=bool(again),
        compiled=bool(compiled),
    )
    return Job(recipe, {}, layout, "benchmark", model.vocabulary, str(tokenizer), sources)


def measured(job: Job, steps: int, text: Path | None) -> tuple[list[float], float] | None:
    """Train a job in a process of its own; return the seconds of its steps and its bytes, None where it failed."""
    folder = Path(tempfile.mkdtemp(dir=Path(job.tokenizer).parent))
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=train, args=(job.write(folder), steps, text, there))
    process.start()
    there.close()
    try:
        found: tuple[list[float], float] = here.recv()
    except EOFError:  # it has said why
        return None
    finally:
        process.join()
    return found


def show(name: str, job: Job, found: tuple[list[float], float] | None, peak: float) -> None:
    """Print a row: speed, MFU, and bytes beside those of the forecast with its parts."""
    training, layout = job.recipe.training, job.layout
    grid = Grid(zero_stage=layout.zero_stage, micro_batch=layout.micro_batch, checkpointing=layout.checkpointing)
    held = memory(job.recipe, job.vocabulary, grid, fused_dropout=peak > 0)
    parts = ", ".join(f"{part} {size / 1e9:.2f}" for part, size in asdict(held).items() if size)
    row = f"| {name} | {training.precision} | {layout.checkpointing:d} | {layout.compiled:d} |"
    if found is None:
        print(f"{row} failed | | | | {held.total / 1e9:.2f} | {parts} |", flush=True)
        return
    seconds, most = statistics.median(found[0]), found[1]
    speed = training.global_batch * training.sequence_length / seconds
    used = f"{speed * needed_flops(job) / peak:.1%}" if peak else ""
    print(
        f"{row} {speed:,.0f} | {1000 * seconds:.1f} | {used} | {most / 1e9:.2f} | {held.total / 1e9:.2f} | {parts} |",
        flush=True,
    )


def main() -> None:
    """Train every model in every way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(MICRO_BATCH), choices=[*MICRO_BATCH, "tiny"])
    parser.add_argument("--device", help="a name of scripts/pretraining/devices.yaml, for its peak (default: none)")
    parser.add_argument("--precision", help="of the recipe (default: bf16-autocast on a GPU, fp32 on a CPU)")
    parser.add_argument("--steps", type=int, default=10, help="that count, behind those that warm up")
    parser.add_argument("--profile", type=Path, help="file for tables of the operators that take longest")
    args = parser.parse_args()
    precision = args.precision or ("bf16-autocast" if torch.cuda.is_available() else FP32)
    print(
        "| model | precision | checkpointing | compile | tokens/s | ms a step | MFU | peak GB | forecast GB | its parts |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|---|", flush=True)
    for name in args.models:
        model = model_of(name)
        tokens = (WARM_UP + args.steps + PROFILED + 1) * model.micro_batch * (model.length + 1)
        with tempfile.TemporaryDirectory() as made:
            write_tokenizer(Path(made) / "tokenizer", model.vocabulary)
            sources = write_shards(Path(made) / "random", model.vocabulary, tokens)
            for way in WAYS:
                job = job_of(model, precision, way, Path(made) / "tokenizer", sources)
                peak = device(args.device).peak[job.recipe.training.computes_in] if args.device else 0.0
                show(name, job, measured(job, args.steps, args.profile), peak)


if __name__ == "__main__":
    main()
