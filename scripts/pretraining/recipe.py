"""The recipe of one model: typed, validated in one place, free of any notion of layout.

Everything here may change the trained weights. Processes, micro-batch, accumulation and ZeRO stage are
execution and live in `scripts.pretraining.layout`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

from scripts.lib.batch_warmup import Batches, BatchWarmup
from scripts.lib.schedule import UNITS, Optimizer, Schedule, optional, rate_at, require
from scripts.pretraining.spikes import Spikes

FAMILIES = {"gpt2": "causal", "llama": "causal", "bert": "masked", "modernbert": "masked"}
ROTARY = ("llama", "modernbert")
OUTPUT_PROJECTIONS = ("scaled", "zero")
CONTIGUOUS, BEST_FIT = "contiguous", "best_fit"
AVERAGES = ("none", "ema", "checkpoints")
FP32, BF16, AUTOCAST = PRECISIONS = ("fp32", "bf16", "bf16-autocast")


@dataclass(frozen=True)
class Architecture:
    """The shape of a model. `feed_forward` null means 4 x width (GPT-2, BERT), 8/3 x (Llama) or 3/2 x (ModernBERT).

    `output_projections` is how the matrices that write into the residual stream of pre-norm models begin.
    """

    family: str
    layers: int
    width: int
    heads: int
    key_value_heads: int
    feed_forward: int
    context: int
    dropout: float
    tied_embeddings: bool
    vocabulary_multiple: int
    initial_deviation: float
    output_projections: str
    rope_theta: float

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        family, width, heads = str(settings["family"]), int(settings["width"]), int(settings["heads"])
        times = {"llama": 8 / 3, "modernbert": 3 / 2}.get(family)
        wide = 4 * width if times is None else round(times * width / 8) * 8
        return cls(
            family=family,
            layers=int(settings["layers"]),
            width=width,
            heads=heads,
            key_value_heads=int(optional(settings, "key_value_heads", heads)),
            feed_forward=int(optional(settings, "feed_forward", wide)),
            context=int(settings["context"]),
            dropout=float(optional(settings, "dropout", 0.0)),
            tied_embeddings=bool(optional(settings, "tied_embeddings", True)),
            vocabulary_multiple=int(optional(settings, "vocabulary_multiple", 8)),
            initial_deviation=float(optional(settings, "initial_deviation", 0.02)),
            output_projections=str(optional(settings, "output_projections", "scaled")),
            rope_theta=float(optional(settings, "rope_theta", 10000.0)),
        ).checked()

    def checked(self) -> Self:
        """Raise UserError where the shape contradicts itself."""
        require(self.family in FAMILIES, f"architecture.family: {self.family!r} is none of {', '.join(FAMILIES)}")
        for key in ("layers", "width", "heads", "key_value_heads", "feed_forward", "context", "vocabulary_multiple"):
            require(getattr(self, key) > 0, f"architecture.{key}: {getattr(self, key)} must be at least 1")
        require(
            self.width % self.heads == 0,
            f"architecture.heads: {self.heads} does not divide the width {self.width}; choose a divisor",
        )
        require(
            self.heads % self.key_value_heads == 0,
            f"architecture.key_value_heads: {self.key_value_heads} does not divide heads {self.heads}",
        )
        require(
            self.family not in ROTARY or self.width // self.heads % 2 == 0,
            f"architecture.heads: rotary positions need an even width per head, not {self.width // self.heads}",
        )
        if self.family != "llama":
            require(
                self.key_value_heads == self.heads,
                f"architecture.key_value_heads: {self.family} has no grouped heads; leave it out",
            )
        require(
            self.tied_embeddings or FAMILIES[self.family] != "masked",
            f"architecture.tied_embeddings: {self.family} predicts with its input embeddings; set it to true",
        )
        ways = ", ".join(OUTPUT_PROJECTIONS)
        require(
            self.output_projections in OUTPUT_PROJECTIONS,
            f"architecture.output_projections: {self.output_projections!r} is none of {ways}",
        )
        require(
            self.output_projections == "scaled" or self.family != "bert",
            "architecture.output_projections: bert normalises after the sum, so that they begin like all others; leave it out",
        )
        require(0 <= self.dropout < 1, f"architecture.dropout: {self.dropout} must be in [0, 1)")
        return self

    def padded_vocabulary(self, vocabulary: int) -> int:
        """The number of embedding rows: the tokenizer's size rounded up to the stated multiple."""
        return -(-vocabulary // self.vocabulary_multiple) * self.vocabulary_multiple


@dataclass(frozen=True)
class Average:
    """Which average of the weights is exported: of every step with exponential `decay`, or of the `last` checkpoints."""

    kind: str = "none"
    decay: float = 0.999
    last: int = 5

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        average = cls(
            kind=str(optional(settings, "kind", cls.kind)),
            decay=float(optional(settings, "decay", cls.decay)),
            last=int(optional(settings, "last", cls.last)),
        )
        known = ", ".join(AVERAGES)
        require(average.kind in AVERAGES, f"training.average.kind: {average.kind!r} is none of {known}")
        require(0 < average.decay < 1, "training.average.decay: must be in (0, 1)")
        require(average.last > 0, "training.average.last: must be at least 1 checkpoint")
        return average


@dataclass(frozen=True)
class Training:
    """How long, on what and how the weights are updated; counts are global (all processes together)."""

    steps: int
    sequence_length: int
    global_batch: int
    optimizer: Optimizer
    schedule: Schedule
    schedule_unit: str
    precision: str
    gradient_clipping: float
    evaluate_every: int
    evaluate_sequences: int
    checkpoint_every: int
    masked_share: float
    whole_words: bool
    separate_documents: bool
    packing: str
    label_smoothing: float
    z_loss: float
    spikes: Spikes
    average: Average
    batch_warmup: BatchWarmup | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        length, batch = int(settings["sequence_length"]), int(settings["global_batch"])
        require(length > 0, "training.sequence_length: must be at least 1")
        require(batch > 0, "training.global_batch: must be at least 1 sequence")
        steps = int(settings["steps"])
        require(steps > 0, "training.steps: must be at least 1")
        precision = str(optional(settings, "precision", "fp32"))
        require(precision in PRECISIONS, f"training.precision: {precision!r} is none of {', '.join(PRECISIONS)}")
        unit = str(optional(settings, "schedule_unit", "steps"))
        require(unit in UNITS, f"training.schedule_unit: {unit!r} is none of {', '.join(UNITS)}")
        batches = Batches.from_settings(settings)
        require(
            batches.warm < steps,
            f"training.batch_warmup.over: the whole batch comes after {batches.warm} steps of {steps}; make it shorter",
        )
        total = batches.before(steps) * length if unit == "tokens" else steps
        training = cls(
            steps=steps,
            sequence_length=length,
            global_batch=batch,
            optimizer=Optimizer.from_settings(settings["optimizer"]),
            schedule=Schedule.from_settings(settings["schedule"], total, unit),
            schedule_unit=unit,
            precision=precision,
            gradient_clipping=float(optional(settings, "gradient_clipping", 1.0)),
            evaluate_every=int(optional(settings, "evaluate_every", 100)),
            evaluate_sequences=int(optional(settings, "evaluate_sequences", 256)),
            checkpoint_every=int(optional(settings, "checkpoint_every", 100)),
            masked_share=float(optional(settings, "masked_share", 0.15)),
            whole_words=bool(optional(settings, "whole_words", False)),
            separate_documents=bool(optional(settings, "separate_documents", False)),
            packing=str(optional(settings, "packing", CONTIGUOUS)),
            label_smoothing=float(optional(settings, "label_smoothing", 0.0)),
            z_loss=float(optional(settings, "z_loss", 0.0)),
            spikes=Spikes.from_settings(optional(settings, "spikes", {})),
            average=Average.from_settings(optional(settings, "average", {})),
            batch_warmup=BatchWarmup.from_settings(settings),
        )
        require(
            precision != BF16 or training.optimizer.name != "muon",
            "training.precision: bf16 adds small updates up in fp32 with ZeRO 1 to 3 alone, which cut up the matrices that muon "
            "needs whole; choose bf16-autocast, or adamw",
        )
        for key in ("evaluate_every", "evaluate_sequences", "checkpoint_every"):
            require(getattr(training, key) > 0, f"training.{key}: must be at least 1")
        require(training.gradient_clipping >= 0, "training.gradient_clipping: must not be negative (0 is off)")
        require(training.packing in (CONTIGUOUS, BEST_FIT), f"training.packing: {training.packing!r} is none of them")
        require(0 < training.masked_share < 1, "training.masked_share: must be in (0, 1)")
        require(0 <= training.label_smoothing < 1, "training.label_smoothing: must be in [0, 1)")
        require(training.z_loss >= 0, "training.z_loss: must not be negative (0 is off)")
        return training

    def learning_rate(self, step: int) -> float:
        """Learning rate of update `step` (0-based)."""
        done, total, first = step + 1, self.steps, 1
        if self.schedule_unit == "tokens":
            done, total, first = (self.batches.before(n) * self.sequence_length for n in (done, total, first))
        return rate_at(self.schedule, self.optimizer.learning_rate, done, total, first)

    def averaged_steps(self) -> list[int]:
        """The numbers of updates after which the weights go into the average of the last checkpoints, ascending."""
        if self.average.kind != "checkpoints":
            return []
        saved = [*range(self.checkpoint_every, self.steps, self.checkpoint_every), self.steps]
        return saved[-self.average.last :]

    @property
    def computes_in(self) -> str:
        """The number format of matrix products."""
        return FP32 if self.precision == FP32 else BF16

    @property
    def separates(self) -> bool:
        """Whether documents in one sequence are kept apart; packed ones have nothing to do with each other."""
        return self.separate_documents or self.packing == BEST_FIT

    @cached_property
    def batches(self) -> Batches:
        """The sizes of all updates."""
        counted = self.sequence_length if self.schedule_unit == "tokens" else None
        return Batches(self.global_batch, self.batch_warmup, counted)

    @property
    def tokens(self) -> int:
        """Tokens seen in the whole run."""
        return self.batches.before(self.steps) * self.sequence_length


@dataclass(frozen=True)
class Origin:
    """The kept step of another model that a branch starts from.

    The first step of the branch takes batch `first_batch` of its order: 0, or where the other model stopped reading when
    both have the same order.
    """

    model: str
    step: int
    first_batch: int = 0

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        return cls(str(settings["model"]), int(settings["step"]), int(optional(settings, "first_batch", 0)))


@dataclass(frozen=True)
class Recipe:
    """All that decides the weights of one model, next to its data and tokenizer, and to the state that a branch starts from."""

    model: str
    seed: int
    objective: str
    temperature: float
    architecture: Architecture
    training: Training
    origin: Origin | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        origin = optional(settings, "from", None)
        recipe = cls(
            model=str(settings["model"]),
            seed=int(settings["seed"]),
            objective=str(settings["objective"]),
            temperature=float(optional(settings, "temperature", 1.0)),
            architecture=Architecture.from_settings(settings["architecture"]),
            training=Training.from_settings(settings["training"]),
            origin=None if origin is None else Origin.from_settings(origin),
        )
        require(recipe.temperature >= 0.1, f"models.{recipe.model}.temperature: must be at least 0.1")
        family, wanted = recipe.architecture.family, FAMILIES[recipe.architecture.family]
        require(
            recipe.objective == wanted,
            f"models.{recipe.model}.objective: {family} is trained with {wanted!r}, not {recipe.objective!r}",
        )
        length, context = recipe.training.sequence_length, recipe.architecture.context
        require(
            length <= context,
            f"models.{recipe.model}.training.sequence_length: {length} exceeds the context of {context} tokens",
        )
        return recipe

    @property
    def first_batch(self) -> int:
        """The batch of its order that the first step takes."""
        return 0 if self.origin is None else self.origin.first_batch

    def place(self, step: int) -> tuple[int, slice]:
        """Return the batch of the order that a step reads from, and its rows there; masks and dropout are drawn by these too."""
        batch, rows = self.training.batches.place(step)
        return self.first_batch + batch, rows

    def samples(self, steps: int) -> tuple[int, int]:
        """Return how many samples of the order come before those of the first `steps` steps, and how many these are."""
        return self.first_batch * self.training.global_batch, self.training.batches.before(steps)

    def to_json(self) -> dict[str, Any]:
        """A plain form that `from_json` reads back exactly."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        training = dict(data["training"])
        training["optimizer"] = Optimizer(**training["optimizer"])
        training["schedule"] = Schedule(**training["schedule"])
        training["spikes"] = Spikes(**training["spikes"])
        training["average"] = Average(**training["average"])
        training["batch_warmup"] = training["batch_warmup"] and BatchWarmup(**training["batch_warmup"])
        return cls(
            model=data["model"],
            seed=data["seed"],
            objective=data["objective"],
            temperature=data["temperature"],
            architecture=Architecture(**data["architecture"]),
            training=Training(**training),
            origin=None if data["origin"] is None else Origin(**data["origin"]),
        )
