"""Plan a training run before anything is spent: size, cost, and how often each source is seen.

    python -m scripts.pretraining.plan \\
        --tokenizer results/tokenizers/main.json \\
        --shards results/shards/main/main/books/0000.json \\
        --orders results/shards/main/main/books/order.json \\
        --settings "$(cat settings.json)" --manifest results/models/llama/plan.json

The plan is the summary of the manifest: what training will take from each source, exactly. It refuses a source that has nothing
to train on or that would be seen more often than its cap (`epoch_caps`, `max_epochs`), and more tokens than `token_budget`.
The plan of a branch counts its own steps; beside them stand tokens and FLOPs of the trunk up to its start, by the plan of that
(`--trunk`), and epochs of a source count against its cap together with those of a trunk whose order it goes on with.
"""

from __future__ import annotations

import argparse
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.lib.errors import UserError
from scripts.lib.matching import TOKENIZER_DIGEST, check_tokenizer
from scripts.lib.order import DataOrder, mixture_weights
from scripts.lib.schedule import optional
from scripts.lib.settings import Settings
from scripts.lib.step import Step, run_step, step_parser
from scripts.pretraining.data import data_order, open_streams, taken_from
from scripts.pretraining.grid import Grid
from scripts.pretraining.inputs import Inputs, add_input_arguments, plain, read_inputs
from scripts.pretraining.memory import memory
from scripts.pretraining.recipe import CONTIGUOUS, Recipe
from scripts.pretraining.size import OPTIMAL_TOKENS_PER_PARAMETER, flops_per_token, parameters

MODULE = "scripts.pretraining.plan"


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of this program."""
    parser = step_parser(__doc__)
    add_input_arguments(parser)
    parser.add_argument("--trunk", type=Path, nargs="*", default=[], help="plan of the model that a branch starts from")
    return parser


def plan(step: Step, args: argparse.Namespace) -> None:
    """Check the mixture and publish the plan."""
    recipe = Recipe.from_settings(step.settings)
    inputs = read_inputs(step, args)
    check_budget(recipe, optional(step.settings, "token_budget", None))
    caps = epoch_caps(step.settings, inputs)
    sources = source_accounts(recipe, inputs, caps)
    before = trunk_costs(step, args.trunk, recipe, inputs)
    with step.publish(records=False) as out:
        out.summary |= {
            "model": recipe.model,
            "corpus": inputs.corpus,
            "tokenizer": inputs.tokenizer_name,
            TOKENIZER_DIGEST: inputs.tokenizer.digest,
            "sources": sources,
            "from": before,
            **costs(recipe, inputs.vocabulary, 0 if before is None else before["tokens"]),
        }


def trunk_costs(step: Step, plans: Sequence[Path], recipe: Recipe, inputs: Inputs) -> dict[str, Any] | None:
    """Return the step that a branch starts from, with tokens and FLOPs of all training before it; None from scratch."""
    origin = recipe.origin
    if len(plans) != (origin is not None):
        raise UserError("--trunk has to name the plan of the model that the settings say under `from`, else nothing.")
    if origin is None:
        return None
    planned = step.read("trunk", plans[0])
    check_tokenizer(planned, inputs.tokenizer)
    trunk = planned.summary
    tokens, earlier = tokens_of(trunk["tokens_per_step"], origin.step), trunk["from"] or {"tokens": 0, "flops": 0}
    return {
        "model": origin.model,
        "step": origin.step,
        "tokens": earlier["tokens"] + tokens,
        "flops": earlier["flops"] + trunk["flops"]["per_token"] * tokens,
    }


def tokens_of(runs: Sequence[Sequence[int]], steps: int) -> int:
    """Return the tokens of the first `steps` steps, which a plan gives as runs of equal ones."""
    total = 0
    for count, tokens in runs:
        total += min(count, steps) * tokens
        steps -= min(count, steps)
    return total


def costs(recipe: Recipe, vocabulary: int, before: int = 0) -> dict[str, Any]:
    """Return parameters by part, training FLOPs, bytes of memory by part, steps and tokens; a parameter's with those `before`.

    Tokens of a step are runs of equal ones, steps and tokens of each: several where the batch warms up.
    Memory is that of one process with ZeRO 0 and one sequence at a time; `scripts.pretraining.forecast` reckons it for
    other layouts, with time and cost on stated devices. Those are execution and no part of a plan that others read.
    """
    shape, training = recipe.architecture, recipe.training
    parts = parameters(shape, vocabulary)
    count = sum(parts.values())
    each = flops_per_token(shape, vocabulary, training.sequence_length)
    return {
        "parameters": {**parts, "total": count},
        "vocabulary": {"tokenizer": vocabulary, "padded": shape.padded_vocabulary(vocabulary)},
        "flops": {"per_token": each, "total": each * training.tokens},
        "memory": asdict(memory(recipe, vocabulary, Grid())),
        "steps": training.steps,
        "tokens": training.tokens,
        "tokens_per_step": [
            [updates, sequences * training.sequence_length]
            for updates, sequences in training.batches.runs(training.steps)
        ],
        "tokens_per_parameter": round((before + training.tokens) / count, 4),
        "compute_optimal_tokens": OPTIMAL_TOKENS_PER_PARAMETER * count,
    }


def check_budget(recipe: Recipe, budget: int | None) -> None:
    """Raise UserError where training would see more tokens than the budget."""
    training = recipe.training
    if budget is not None and training.tokens > budget:
        most = training.batches.step_of(budget // training.sequence_length)
        fewer = f"lower training.steps to {most:,} or " if most else ""
        raise UserError(
            f"models.{recipe.model}.token_budget is {budget:,}, but its training would see {training.tokens:,} tokens; "
            f"{fewer}raise the budget."
        )


def epoch_caps(settings: Settings, inputs: Inputs) -> dict[str, float]:
    """Return how often each source may be seen."""
    given, most = plain(optional(settings, "epoch_caps", {})), float(settings["max_epochs"])
    return {source: float(given.get(source, most)) for source in sorted(inputs.sources)}


def source_accounts(recipe: Recipe, inputs: Inputs, caps: Mapping[str, float]) -> dict[str, dict[str, float | int]]:
    """Return per source the training tokens there are, its weight and cap and, of the whole run, tokens, samples and epochs.

    Raises UserError for a source that cannot fill one sequence, that would be seen more often than its cap, or not at all.
    """
    streams = open_streams(inputs.sources, "train")
    needed = recipe.training.sequence_length + 1 if recipe.training.packing == CONTIGUOUS else 1
    for name, stream in sorted(streams.items()):
        if stream.tokens < needed:
            raise UserError(
                f"Source {name} of corpus {inputs.corpus} has {stream.tokens} training tokens and model {recipe.model} "
                f"needs {needed} for one sequence; lower training.sequence_length or take the source out of the corpus."
            )
    order = data_order(recipe, inputs.weights, streams)
    check_epochs(recipe, order, caps)
    weights = mixture_weights(list(streams.values()), inputs.weights, recipe.temperature)
    first, samples = recipe.samples(recipe.training.steps)
    realised = taken_from(order, first, samples)
    for name, taken in sorted(realised.items()):
        if not taken.samples:
            raise UserError(
                f"models.{recipe.model}: source {name} of corpus {inputs.corpus} would give none of the {samples:,} samples of "
                "training; raise its weight or training.steps, or take the source out of the corpus."
            )
    return {
        name: {
            "available_tokens": streams[name].tokens,
            "left_over_tokens": order.left_over(name),
            "samples": taken.samples,
            "tokens": taken.tokens,
            "epochs": round(taken.epochs, 6),
            "max_epochs": caps[name],
            "weight": round(weights[name] / sum(weights.values()), 6),
        }
        for name, taken in sorted(realised.items())
    }


def check_epochs(recipe: Recipe, order: DataOrder, caps: Mapping[str, float]) -> None:
    """Raise UserError for the first source that would be seen more often than allowed, with the steps that are."""
    first, samples = recipe.samples(recipe.training.steps)
    for name, taken in order.taken(first + samples).items():
        if taken.epochs > caps[name]:
            most = largest_steps(order, caps, recipe)
            trunk = f" with those of {recipe.origin.model}" if recipe.origin and first else ""
            fewer = f"training.steps to {most:,} or " if most else ""
            raise UserError(
                f"models.{recipe.model}: at most {caps[name]:g} epochs of source {name} are allowed (epoch_caps, max_epochs), "
                f"but its training would see {taken.epochs:.2f} of them{trunk}; lower {fewer}its weight, or raise the cap."
            )


def largest_steps(order: DataOrder, caps: Mapping[str, float], recipe: Recipe) -> int:
    """Return the largest number of steps of a recipe, below its own, in which no source passes its cap."""

    def passes(steps: int) -> bool:
        return any(taken.epochs > caps[name] for name, taken in order.taken(sum(recipe.samples(steps))).items())

    return bisect_left(range(1, recipe.training.steps + 1), True, key=passes)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    return run_step(MODULE, build_parser(), plan, argv)


if __name__ == "__main__":
    raise SystemExit(main())
