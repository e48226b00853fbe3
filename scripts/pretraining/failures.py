"""Sentences for the user when training cannot go on."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.lib.errors import UserError
from scripts.pretraining.job import Job
from scripts.pretraining.size import parameters

MOST = 20  # documents that are named
STATE_BYTES = 16  # of a parameter in fp32: its weight, gradient and two moments
NO_MEMORY = ("can't allocate memory", "cannot allocate memory", "out of memory", "ALLOC_FAILED")


def not_finite(
    job: Job, step: int, what: str, value: float, ranks: Sequence[int], documents: Sequence[str]
) -> UserError:
    """Return the error for a loss or norm that is not finite; `ranks` are those on which it arose."""
    more = f" and {len(documents) - MOST} more" if len(documents) > MOST else ""
    return UserError(
        f"Training of {job.recipe.model} stopped at step {step}: the {what} is {value} on "
        f"{'rank' if len(ranks) == 1 else 'ranks'} {', '.join(map(str, ranks))}; lower training.optimizer.learning_rate or "
        f"lengthen its warmup; the documents (source/part:number) are {', '.join(documents[:MOST])}{more}."
    )


def unchanged(job: Job, step: int) -> UserError:
    """Return the error for an update that left the weights as they were."""
    return UserError(
        f"Training of {job.recipe.model} stopped at step {step}: the update left the weights unchanged; "
        "raise training.optimizer.learning_rate or use training.precision fp32."
    )


def astray(job: Job, step: int, count: int) -> UserError:
    """Return the error for an update that did not reach the weights that the model computes with."""
    return UserError(
        f"Training of {job.recipe.model} stopped at step {step}: {count:,} weights that the model computes "
        f"with are not those that were updated: a defect of DeepSpeed with --zero-stage {job.layout.zero_stage}, so use another."
    )


def too_many_spikes(job: Job, step: int, score: float) -> UserError:
    """Return the error for a loss that jumped once too often."""
    return UserError(
        f"Training of {job.recipe.model} stopped at step {step}: its loss lies {score:.1f} robust deviations above the "
        f"last ones, and more than training.spikes.most ({job.recipe.training.spikes.most}) did; lower "
        "training.optimizer.learning_rate, or look at the data of the steps that metrics.jsonl marks."
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory of the device or the machine ran out."""
    import torch  # here, since the process that starts the ranks does without it

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)


def out_of_memory(job: Job, rank: int, doing: str) -> UserError:
    """Return the error for memory that ran out: what a forecast counts, what its states take, and what can be turned."""
    count = sum(parameters(job.recipe.architecture, job.vocabulary).values())
    return UserError(
        f"Training of {job.recipe.model} ran out of memory on rank {rank} ({doing}): {forecast_told(job)}weights, gradients and "
        f"optimizer take {count * STATE_BYTES / 1e9:.3g} GB before ranks share them, and a micro-batch comes on top; "
        f"{memory_knobs(job)}."
    )


def memory_advice(job: Job) -> str:
    """Say what a rank that was killed without a word was, most likely, and what can be turned."""
    return f"the machine had too little memory: {forecast_told(job)}{memory_knobs(job)}"


def forecast_told(job: Job) -> str:
    """Say what the forecast counted, as the beginning of a sentence, where one did."""
    predicted = job.upkeep.predicted_bytes
    return f"the forecast counts {predicted / 1e9:.3g} GB of tensors a rank for this layout, " if predicted else ""


def memory_knobs(job: Job) -> str:
    """Say what can be turned where memory ran out, and how each stands now."""
    layout, length = job.layout, job.recipe.training.sequence_length
    return (
        f"lower --micro-batch-tokens (now {layout.micro_batch * length // layout.sequence}, {layout.micro_batch} sequences of "
        f"{length}; the global batch and the losses stay the same), give --checkpointing 1 (now {int(layout.checkpointing)}), "
        f"raise --zero-stage (now {layout.zero_stage}), --tensor (now {layout.tensor}) or --pipeline (now {layout.pipeline}) "
        f"with more --processes, give --offload 1 (now {int(layout.offload)}), or give the job more memory"
    )
