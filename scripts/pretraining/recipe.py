"""The recipe of one model: typed, validated in one place, free of any notion of layout.

Everything here may change the trained weights. Processes, micro-batch, accumulation and ZeRO stage are
execution and live in `scripts.pretraining.layout`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from scripts.lib.errors import UserError

FAMILIES = {"gpt2": "causal", "llama": "causal", "bert": "masked"}
DECAYS = ("cosine", "exponential", "linear", "constant")
PRECISIONS = ("fp32", "bf16-autocast")


def _value(settings: Mapping[str, Any], key: str, default: Any) -> Any:
    """An optional leaf: the default where it is absent or null."""
    value = settings[key] if key in set(settings) else None
    return default if value is None else value


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UserError(message)


@dataclass(frozen=True)
class Architecture:
    """The shape of a model. `feed_forward` null means 4 x width (GPT, BERT) or 8/3 x width (Llama)."""

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
    rope_theta: float

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        family, width, heads = str(settings["family"]), int(settings["width"]), int(settings["heads"])
        wide = round(8 * width / 3 / 8) * 8 if family == "llama" else 4 * width
        return cls(
            family=family,
            layers=int(settings["layers"]),
            width=width,
            heads=heads,
            key_value_heads=int(_value(settings, "key_value_heads", heads)),
            feed_forward=int(_value(settings, "feed_forward", wide)),
            context=int(settings["context"]),
            dropout=float(_value(settings, "dropout", 0.0)),
            tied_embeddings=bool(_value(settings, "tied_embeddings", True)),
            vocabulary_multiple=int(_value(settings, "vocabulary_multiple", 8)),
            initial_deviation=float(_value(settings, "initial_deviation", 0.02)),
            rope_theta=float(_value(settings, "rope_theta", 10000.0)),
        ).checked()

    def checked(self) -> Self:
        """Raise UserError where the shape contradicts itself."""
        _require(self.family in FAMILIES, f"architecture.family: {self.family!r} is none of {', '.join(FAMILIES)}")
        for key in ("layers", "width", "heads", "key_value_heads", "feed_forward", "context", "vocabulary_multiple"):
            _require(getattr(self, key) > 0, f"architecture.{key}: {getattr(self, key)} must be at least 1")
        _require(
            self.width % self.heads == 0,
            f"architecture.heads: {self.heads} does not divide the width {self.width}; choose a divisor",
        )
        _require(
            self.heads % self.key_value_heads == 0,
            f"architecture.key_value_heads: {self.key_value_heads} does not divide heads {self.heads}",
        )
        if self.family == "llama":
            _require(
                self.width // self.heads % 2 == 0,
                f"architecture.heads: rotary positions need an even width per head, not {self.width // self.heads}",
            )
        else:
            _require(
                self.key_value_heads == self.heads,
                f"architecture.key_value_heads: {self.family} has no grouped heads; leave it out",
            )
        _require(
            self.tied_embeddings or self.family != "bert",
            "architecture.tied_embeddings: bert predicts with its input embeddings; set it to true",
        )
        _require(0 <= self.dropout < 1, f"architecture.dropout: {self.dropout} must be in [0, 1)")
        return self

    def padded_vocabulary(self, vocabulary: int) -> int:
        """The number of embedding rows: the tokenizer's size rounded up to the stated multiple."""
        return -(-vocabulary // self.vocabulary_multiple) * self.vocabulary_multiple


@dataclass(frozen=True)
class Optimizer:
    """AdamW (Loshchilov & Hutter 2019). `learning_rate` is the peak; decay spares norms, biases, embeddings."""

    name: str
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        beta1, beta2 = _value(settings, "betas", (0.9, 0.95))
        optimizer = cls(
            name=str(_value(settings, "name", "adamw")),
            learning_rate=float(settings["learning_rate"]),
            beta1=float(beta1),
            beta2=float(beta2),
            epsilon=float(_value(settings, "epsilon", 1e-8)),
            weight_decay=float(_value(settings, "weight_decay", 0.1)),
        )
        _require(optimizer.name == "adamw", f"training.optimizer.name: {optimizer.name!r} is not known; use adamw")
        _require(optimizer.learning_rate > 0, "training.optimizer.learning_rate: must be above 0")
        _require(optimizer.weight_decay >= 0, "training.optimizer.weight_decay: must not be negative")
        return optimizer


@dataclass(frozen=True)
class Schedule:
    """Learning rate over steps: linear warmup, then `decay` down to `final` times the peak."""

    decay: str
    warmup: int
    final: float

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], steps: int) -> Self:
        schedule = cls(
            decay=str(_value(settings, "decay", "cosine")),
            warmup=int(_value(settings, "warmup", 0)),
            final=float(_value(settings, "final", 0.1)),
        )
        known = ", ".join(DECAYS)
        _require(schedule.decay in DECAYS, f"training.schedule.decay: {schedule.decay!r} is none of {known}")
        _require(
            0 <= schedule.warmup < steps,
            f"training.schedule.warmup: {schedule.warmup} steps do not fit into {steps} steps of training",
        )
        _require(0 <= schedule.final <= 1, "training.schedule.final: must be a share of the peak in [0, 1]")
        _require(
            schedule.decay != "exponential" or schedule.final > 0,
            "training.schedule.final: exponential decay never reaches 0; give a share above 0",
        )
        return schedule


@dataclass(frozen=True)
class Training:
    """How long, on what and how the weights are updated; counts are global (all processes together)."""

    steps: int
    sequence_length: int
    global_batch: int
    optimizer: Optimizer
    schedule: Schedule
    precision: str
    gradient_clipping: float
    evaluate_every: int
    evaluate_sequences: int
    checkpoint_every: int
    masked_share: float

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        length, batch = int(settings["sequence_length"]), int(settings["global_batch"])
        _require(length > 0, "training.sequence_length: must be at least 1")
        _require(batch > 0, "training.global_batch: must be at least 1 sequence")
        steps = int(settings["steps"])
        _require(steps > 0, "training.steps: must be at least 1")
        precision = str(_value(settings, "precision", "fp32"))
        _require(precision in PRECISIONS, f"training.precision: {precision!r} is none of {', '.join(PRECISIONS)}")
        training = cls(
            steps=steps,
            sequence_length=length,
            global_batch=batch,
            optimizer=Optimizer.from_settings(settings["optimizer"]),
            schedule=Schedule.from_settings(settings["schedule"], steps),
            precision=precision,
            gradient_clipping=float(_value(settings, "gradient_clipping", 1.0)),
            evaluate_every=int(_value(settings, "evaluate_every", 100)),
            evaluate_sequences=int(_value(settings, "evaluate_sequences", 256)),
            checkpoint_every=int(_value(settings, "checkpoint_every", 100)),
            masked_share=float(_value(settings, "masked_share", 0.15)),
        )
        for key in ("evaluate_every", "evaluate_sequences", "checkpoint_every"):
            _require(getattr(training, key) > 0, f"training.{key}: must be at least 1")
        _require(training.gradient_clipping >= 0, "training.gradient_clipping: must not be negative (0 is off)")
        _require(0 < training.masked_share < 1, "training.masked_share: must be in (0, 1)")
        return training

    @property
    def tokens(self) -> int:
        """Tokens seen in the whole run."""
        return self.steps * self.global_batch * self.sequence_length


@dataclass(frozen=True)
class Recipe:
    """All that decides the weights of one model, next to its data and tokenizer."""

    model: str
    seed: int
    objective: str
    architecture: Architecture
    training: Training

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        recipe = cls(
            model=str(settings["model"]),
            seed=int(settings["seed"]),
            objective=str(settings["objective"]),
            architecture=Architecture.from_settings(settings["architecture"]),
            training=Training.from_settings(settings["training"]),
        )
        family, wanted = recipe.architecture.family, FAMILIES[recipe.architecture.family]
        _require(
            recipe.objective == wanted,
            f"models.{recipe.model}.objective: {family} is trained with {wanted!r}, not {recipe.objective!r}",
        )
        length, context = recipe.training.sequence_length, recipe.architecture.context
        _require(
            length <= context,
            f"models.{recipe.model}.training.sequence_length: {length} exceeds the context of {context} tokens",
        )
        return recipe

    def to_json(self) -> dict[str, Any]:
        """A plain form that `from_json` reads back exactly."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        training = dict(data["training"])
        training["optimizer"] = Optimizer(**training["optimizer"])
        training["schedule"] = Schedule(**training["schedule"])
        return cls(
            model=data["model"],
            seed=data["seed"],
            objective=data["objective"],
            architecture=Architecture(**data["architecture"]),
            training=Training(**training),
        )
