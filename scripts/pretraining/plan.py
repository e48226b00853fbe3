"""Plan a training run before anything is spent: size, cost, and how often each source is seen.

    python -m scripts.pretraining.plan \\
        --tokenizer results/tokenizers/main.json \\
        --shards results/shards/main/main/books/0000.json \\
        --orders results/shards/main/main/books/order.json \\
        --settings "$(cat settings.json)" --manifest results/models/llama/plan.json

The plan is the summary of the manifest. It refuses a source that has nothing to train on, or that would be seen more
often than `max_epochs`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from scripts.lib.errors import UserError
from scripts.lib.step import Step, run_step, step_parser
from scripts.pretraining.data import data_order, open_streams
from scripts.pretraining.grid import Grid
from scripts.pretraining.inputs import Inputs, add_input_arguments, read_inputs
from scripts.pretraining.memory import memory
from scripts.pretraining.recipe import Recipe
from scripts.pretraining.size import OPTIMAL_TOKENS_PER_PARAMETER, flops_per_token, parameters

MODULE = "scripts.pretraining.plan"


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of this program."""
    parser = step_parser(__doc__)
    add_input_arguments(parser)
    return parser


def plan(step: Step, args: argparse.Namespace) -> None:
    """Check the mixture and publish the plan."""
    recipe = Recipe.from_settings(step.settings)
    inputs = read_inputs(step, args)
    sources = source_accounts(recipe, inputs)
    check_epochs(recipe.model, sources, float(step.settings["max_epochs"]))
    with step.publish() as out:
        out.summary |= {
            "model": recipe.model,
            "corpus": inputs.corpus,
            "tokenizer": inputs.tokenizer_name,
            "sources": sources,
            **costs(recipe, inputs.vocabulary),
        }


def costs(recipe: Recipe, vocabulary: int) -> dict[str, Any]:
    """Return parameters by part, training FLOPs, bytes of memory by part, steps and tokens.

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
        "tokens_per_step": training.global_batch * training.sequence_length,
        "tokens_per_parameter": round(training.tokens / count, 4),
        "compute_optimal_tokens": OPTIMAL_TOKENS_PER_PARAMETER * count,
    }


def source_accounts(recipe: Recipe, inputs: Inputs) -> dict[str, dict[str, float | int]]:
    """Return per source the training tokens there are and, of the whole run, tokens, samples and epochs.

    Raises UserError for a source that cannot fill one sequence.
    """
    streams = open_streams(inputs.sources, "train")
    needed = recipe.training.sequence_length + 1
    for name, stream in sorted(streams.items()):
        if stream.tokens < needed:
            raise UserError(
                f"Source {name} of corpus {inputs.corpus} has {stream.tokens} training tokens and model {recipe.model} "
                f"needs {needed} for one sequence; lower training.sequence_length or take the source out of the corpus."
            )
    realised = data_order(recipe, inputs.weights, streams).realised(recipe.training.steps)
    return {
        name: {
            "available_tokens": streams[name].tokens,
            "samples": taken.samples,
            "tokens": taken.tokens,
            "epochs": round(taken.epochs, 6),
        }
        for name, taken in sorted(realised.items())
    }


def check_epochs(model: str, sources: Mapping[str, Mapping[str, float | int]], most: float) -> None:
    """Raise UserError for the first source that would be seen more often than allowed."""
    for name, account in sources.items():
        if account["epochs"] > most:
            raise UserError(
                f"models.{model}.max_epochs is {most:g}, but its training would see source {name} "
                f"{account['epochs']:.2f} times; lower training.steps or the source's weight, or raise max_epochs."
            )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    return run_step(MODULE, build_parser(), plan, argv)


if __name__ == "__main__":
    raise SystemExit(main())
