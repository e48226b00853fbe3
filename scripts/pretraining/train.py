"""Pretrain one model and publish it as a Hugging Face folder.

    python -m scripts.pretraining.train \\
        --tokenizer results/tokenizers/main.json \\
        --shards results/shards/main/main/books/0000.json \\
        --orders results/shards/main/main/books/order.json \\
        --checkpoints results/checkpoints --processes 2 \\
        --settings "$(cat settings.json)" --manifest results/models/llama/model.json

Publishes `export/`, `metrics.jsonl` and `samples.json`; the manifest records what the model was fed, which equals the plan.
With `--until STEP` it publishes the state after that step instead, from which other models may start (their `--trunk`): read
from a checkpoint of the run, or trained for from the newest one before it.
State is kept in `<checkpoints>/<recipe digest>/`: a run that was killed goes on from its newest whole checkpoint, a finished
one is published again in seconds. Processes, micro-batch, ZeRO stage and all other options of the layout are execution: they may
change between two runs, stand in the provenance and change no digest.

SIGTERM, SIGUSR1 and the end of the walltime make it save and exit with code 75, whereupon the scheduler may queue it
again: Snakemake does so for every failed job as often as `retries` says.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.lib.errors import UserError
from scripts.lib.matching import TOKENIZER_DIGEST, check_tokenizer
from scripts.lib.seen import Seen
from scripts.lib.step import Output, Step, finished_state, keep_finished, republish, run_step, step_parser
from scripts.pretraining.inputs import Inputs, add_input_arguments, read_inputs
from scripts.pretraining.job import MEMORY, RESULT, STATE, WEIGHTS, Job, Upkeep
from scripts.pretraining.launch import launch
from scripts.pretraining.layout import MICRO_BATCH_TOKENS, Layout, Sizes, add_memory_arguments, check_parallel, lay_out
from scripts.pretraining.layouts import read_layouts
from scripts.pretraining.presence import SAVED
from scripts.pretraining.ranks import Saved
from scripts.pretraining.recipe import Recipe
from scripts.pretraining.size import flops_per_token, parameters

MODULE = "scripts.pretraining.train"
log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of this program."""
    parser = step_parser(__doc__)
    add_input_arguments(parser)
    parser.add_argument(
        "--trunk", type=Path, nargs="*", default=[], help="manifest of the state that a branch starts from"
    )
    parser.add_argument("--until", type=int, metavar="STEP", help="publish the state after this step, not the model")
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder for the state of unfinished runs")
    parser.add_argument("--processes", type=int, default=1, help="ranks, on all machines together")
    parser.add_argument(
        "--machines", type=int, default=1, help="machines of the Slurm job that share the ranks (default: this one)"
    )
    parser.add_argument("--micro-batch", type=int, help="sequences of one rank at once (default: as many as fit)")
    parser.add_argument(
        "--micro-batch-tokens",
        type=int,
        default=MICRO_BATCH_TOKENS,
        help="tokens of one rank at once; the rest accumulates",
    )
    parser.add_argument("--tensor", type=int, default=1, help="ranks that share the matrices of a layer")
    parser.add_argument("--pipeline", type=int, default=1, help="stages that share the layers")
    parser.add_argument("--sequence", type=int, default=1, help="ranks that share the tokens of each sequence")
    add_memory_arguments(parser)
    parser.add_argument(
        "--compile", type=int, choices=(0, 1), default=0, help="1: compile the layers (may change last bits)"
    )
    parser.add_argument("--zero-stage", type=int, choices=range(4), default=0, help="what DeepSpeed shares among ranks")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of a rank (may change last bits)")
    parser.add_argument("--keep-last", type=int, default=2, metavar="N", help="checkpoints that are kept, the newest")
    parser.add_argument(
        "--keep-every", type=int, default=0, metavar="M", help="keep those after a multiple of M steps too (0: none)"
    )
    parser.add_argument(
        "--keep-steps", type=step_list, default=(), metavar="S,S", help="keep those after these steps too, or none"
    )
    parser.add_argument(
        "--timeout-minutes", type=float, default=30.0, help="end the run when no rank gets on for as long"
    )
    parser.add_argument(
        "--peak-flops", type=float, default=0.0, help="FLOP/s of a rank's device at best, to tell MFU (0: not told)"
    )
    parser.add_argument(
        "--predicted-bytes", type=int, default=0, help="tensors that a forecast counts on a rank's device (0: not told)"
    )
    parser.add_argument(
        "--walltime-minutes",
        type=float,
        default=0.0,
        help="save and stop before this long has passed (0: as Slurm says)",
    )
    return parser


def train(step: Step, args: argparse.Namespace) -> None:
    """Train unless the finished result lies there, and publish it; or publish the state after an earlier step."""
    recipe = Recipe.from_settings(step.settings)
    inputs = read_inputs(step, args)
    start = read_start(step, args.trunk, recipe, inputs)
    whole = args.checkpoints.resolve() / step.recipe_digest()
    # A state is made in a folder of its own, so that the whole run's stays as it is.
    folder = whole if args.until is None else whole / f"until-{args.until}"
    folder.mkdir(parents=True, exist_ok=True)
    layout, upkeep = layout_of(recipe, args), upkeep_of(args)
    step.execution = asdict(layout) | asdict(upkeep)
    job = Job(
        recipe=recipe,
        weights=inputs.weights,
        layout=layout,
        digest=step.recipe_digest(),
        vocabulary=inputs.vocabulary,
        tokenizer=str(inputs.tokenizer_folder.resolve()),
        sources=inputs.sources,
        upkeep=upkeep,
        start=start,
        until=args.until,
        earlier=None if args.until is None else str(whole),
    )
    with step.publish(records=False) as out:
        finished = finished_state(folder)
        if finished is not None:
            log.info("%s is trained already; publishing it again", recipe.model)
            republish(finished, out)
            step.execution["layouts"] = read_layouts(folder)
            return
        launch(job, folder, 60 * args.walltime_minutes, args.machines)
        step.execution["layouts"] = read_layouts(folder)
        if args.until is None:
            stage_result(folder / RESULT, out)
            seen = Seen.load(folder / RESULT).record()
            fed = sum(source["tokens"] for source in seen["sources"].values())
            out.summary |= summary(recipe, inputs, out) | {"tokens": fed, "seen": seen}
        else:
            stage_state(job, inputs, folder / STATE, args.manifest.stem, out)
        keep_finished(folder, out)
        shutil.rmtree(folder / (RESULT if args.until is None else STATE))
        if args.until is not None:
            for checkpoint in sorted(folder.glob("step-*")):  # the finished state takes their place
                shutil.rmtree(checkpoint)


def upkeep_of(args: argparse.Namespace) -> Upkeep:
    """Return how the run is looked after. Raises UserError for numbers that make no sense."""
    bounds = {
        "threads": 1,
        "keep_last": 1,
        "keep_every": 0,
        "timeout_minutes": 0.01,
        "walltime_minutes": 0,
        "peak_flops": 0,
        "machines": 1,
    }
    for name, least in bounds.items():
        if not getattr(args, name) >= least:
            raise UserError(f"--{name.replace('_', '-')}: {getattr(args, name)} is too little; give at least {least}.")
    return Upkeep(
        args.keep_last,
        args.keep_every,
        args.keep_steps,
        60 * args.timeout_minutes,
        args.peak_flops,
        args.predicted_bytes,
    )


def step_list(text: str) -> tuple[int, ...]:
    """Return the steps that a command line names, none for `none`."""
    return () if text == "none" else tuple(int(step) for step in text.split(","))


def layout_of(recipe: Recipe, args: argparse.Namespace) -> Layout:
    """Return the layout of the command line. Raises UserError where it does not suit the recipe, or `--until` names no step."""
    training = recipe.training
    if args.until is not None and not 1 <= args.until <= training.steps:
        raise UserError(
            f"--until: {recipe.model} has the steps 1 to {training.steps}, not {args.until}; name one of them."
        )
    sizes = Sizes(args.tensor, args.pipeline, args.sequence)
    check_parallel(recipe, sizes, args.zero_stage, bool(args.offload), bool(args.compile))
    return lay_out(
        training.global_batch,
        training.sequence_length,
        args.processes,
        args.micro_batch,
        args.zero_stage,
        args.threads,
        args.micro_batch_tokens,
        training.batches.smallest,
        sizes,
        bool(args.checkpointing),
        bool(args.offload),
        bool(args.compile),
    )


def read_start(step: Step, manifests: Sequence[Path], recipe: Recipe, inputs: Inputs) -> str | None:
    """Return the folder of the state that a branch starts from. Raises UserError unless it is the one of its recipe."""
    origin = recipe.origin
    if len(manifests) != (origin is not None):
        raise UserError("--trunk has to name the state that the settings say under `from`, and nothing without them.")
    if origin is None:
        return None
    state = step.read("trunk", manifests[0])
    if (state.summary["model"], state.summary["step"]) != (origin.model, origin.step):
        raise UserError(
            f"{manifests[0]} is the state of {state.summary['model']} after step {state.summary['step']}, but {recipe.model} "
            f"starts from step {origin.step} of {origin.model}; run the workflow again."
        )
    check_tokenizer(state, inputs.tokenizer)
    return str(next(path.parent for path in state.files if path.name == WEIGHTS).resolve())


def stage_state(job: Job, inputs: Inputs, made: Path, name: str, out: Output) -> None:
    """Stage the state after the step `job.until` as the workers wrote it."""
    state = out.folder(name)
    for file in (WEIGHTS, MEMORY):
        shutil.copyfile(made / file, state / file)
    out.summary |= {
        "model": job.recipe.model,
        "step": job.until,
        TOKENIZER_DIGEST: inputs.tokenizer.digest,
        "optimizer": job.recipe.training.optimizer.name,
        "seen": Seen.load(made).record(),
    }


def stage_result(result: Path, out: Output) -> None:
    """Stage what the workers wrote."""
    shutil.copytree(result / "export", out.folder("export"), dirs_exist_ok=True)
    for name in ("metrics.jsonl", "samples.json"):
        shutil.copyfile(result / name, out.file(name))
    with (result / "metrics.jsonl").open(encoding="utf-8") as stream:
        out.rows["metrics.jsonl"] = sum(1 for _ in stream)


def summary(recipe: Recipe, inputs: Inputs, out: Output) -> dict[str, Any]:
    """Return what the manifest tells about the model: its recipe, size and last measurements."""
    lines = out.staged_file("metrics.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    shape, length = recipe.architecture, recipe.training.sequence_length
    return {
        "model": recipe.model,
        "from": None if recipe.origin is None else {"model": recipe.origin.model, "step": recipe.origin.step},
        "corpus": inputs.corpus,
        "tokenizer": inputs.tokenizer_name,
        TOKENIZER_DIGEST: inputs.tokenizer.digest,
        "objective": recipe.objective,
        "family": shape.family,
        "parameters": sum(parameters(shape, inputs.vocabulary).values()),
        "flops": flops_per_token(shape, inputs.vocabulary, length) * recipe.training.tokens,
        "steps": recipe.training.steps,
        "tokens": recipe.training.tokens,
        "loss": [row["loss"] for row in rows if "loss" in row][-1],
        "validation": [row["validation"] for row in rows if "validation" in row][-1],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    try:
        return run_step(MODULE, build_parser(), train, argv)
    except Saved as saved:
        print(saved, file=sys.stderr)
        return SAVED


if __name__ == "__main__":
    raise SystemExit(main())
