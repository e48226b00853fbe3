"""Bytes of tensors on the fullest device of a layout, by what they hold, from the shape alone (no torch).

What a backward pass keeps is counted tensor by tensor as Hugging Face's models keep it under scaled dot product
attention; tests compare each figure with the tensors of built models and engines. docs/planning.md derives them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from scripts.pretraining.grid import Grid
from scripts.pretraining.layout import BUCKET
from scripts.pretraining.recipe import AUTOCAST, BF16, FP32, Architecture, Recipe
from scripts.pretraining.size import parameters

FLOAT32, BFLOAT16, MASK = 4, 2, 1
FLATTENED = 500_000_000  # elements that DeepSpeed flattens for an all-reduce without ZeRO
GATHERED = 1_000_000_000  # elements that ZeRO 3 lets live at once
GLOBAL_EVERY = 3  # one layer of so many of ModernBERT attends to all tokens
PERSISTENT = 100_000  # tensors of fewer elements stay whole with ZeRO 3


@dataclass(frozen=True)
class Kept:
    """What the backward pass of a layer keeps per token.

    `wide` are tensors of the model's width in the format of the residual stream, `narrow` and `narrow_autocast` those in
    the format of the matrices without and with autocast, `inner` those of the feed-forward width, `attention` those of
    a fused attention (Llama: queries and, of the key-value heads' width, keys and values), `statistics` single
    numbers of the norms, `masks` dropped-out tensors of the model's width. Of the wide tensors, `upcast` are kept in fp32
    whatever the format of the weights.
    """

    wide: int
    narrow: int
    narrow_autocast: int
    inner: int
    attention: int
    statistics: int
    masks: int
    upcast: int = 0


KEPT = {
    "llama": Kept(wide=4, narrow=3, narrow_autocast=6, inner=4, attention=1, statistics=2, masks=0, upcast=2),
    "gpt2": Kept(wide=2, narrow=3, narrow_autocast=3, inner=2, attention=3, statistics=4, masks=2),
    "modernbert": Kept(wide=2, narrow=3, narrow_autocast=3, inner=4, attention=5, statistics=4, masks=3),
    "bert": Kept(wide=2, narrow=3, narrow_autocast=5, inner=2, attention=3, statistics=4, masks=2),
}


@dataclass(frozen=True)
class Memory:
    """Bytes on one device at the fullest moment of an update.

    `optimizer` holds moments and ZeRO's master copies; `activations` what the backward pass keeps, `logits` the
    output head's values and gradients, `buffers` what is gathered or flattened for communication, `average` the average
    of the weights that the first rank keeps.
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    buffers: int
    average: int

    @property
    def total(self) -> int:
        """The sum of all parts."""
        return sum(asdict(self).values())


@dataclass(frozen=True)
class Stage:
    """A stage of a pipeline: whether it has the embeddings, or the head; and how many micro-batches are in flight on it.

    With one forward, one backward (Narayanan et al. 2021) these are as many as stages are from here to the end.
    """

    first: bool
    last: bool
    flying: int


def stages(recipe: Recipe, grid: Grid) -> list[Stage]:
    """Return the stages that may be the fullest: the first and the last one."""
    if grid.pipeline == 1:
        return [Stage(True, True, 1)]
    flying = min(grid.pipeline, grid.accumulation(recipe.training.global_batch))
    return [Stage(True, False, flying), Stage(False, True, 1)]


def memory(recipe: Recipe, vocabulary: int, grid: Grid, fused_dropout: bool = True) -> Memory:
    """Return the bytes of the fullest device; `fused_dropout` is how GPUs drop out (a CPU keeps attention scores)."""
    found = (stage_memory(recipe, vocabulary, grid, stage, fused_dropout) for stage in stages(recipe, grid))
    return max(found, key=lambda one: one.total)


def stage_memory(recipe: Recipe, vocabulary: int, grid: Grid, stage: Stage, fused_dropout: bool = True) -> Memory:
    """Return the bytes of a device of a stage."""
    held = stage_parameters(recipe.architecture, vocabulary, grid, stage)
    states = model_states(recipe, vocabulary, held, grid, stage)
    tokens = grid.micro_batch * recipe.training.sequence_length // grid.sequence
    predicted = logits(recipe, vocabulary, tokens) if stage.last else 0
    return Memory(
        **states,
        activations=activations(recipe, vocabulary, grid, stage, tokens, predicted, fused_dropout),
        logits=predicted,
        buffers=buffers(recipe, held, grid),
        average=average(recipe, vocabulary) if stage.first else 0,
    )


def held_parameters(recipe: Recipe, vocabulary: int, grid: Grid) -> int:
    """Parameters of the fullest device before ZeRO shares them."""
    return max(stage_parameters(recipe.architecture, vocabulary, grid, stage) for stage in stages(recipe, grid))


def stage_parameters(shape: Architecture, vocabulary: int, grid: Grid, stage: Stage) -> int:
    """Parameters of a device of a stage before ZeRO shares them: its layers, and the end of the model that it has.

    Tensor parallelism splits the matrices of layers; embeddings and head stay whole. A tied matrix stands at both ends.
    """
    parts = parameters(shape, vocabulary)
    matrices = parts["attention"] + parts["feed_forward"]
    inside = matrices // (grid.pipeline * grid.tensor) + parts["norms"] // grid.pipeline
    tied = shape.padded_vocabulary(vocabulary) * shape.width if shape.tied_embeddings and not stage.first else 0
    return inside + stage.first * parts["embeddings"] + stage.last * (parts["head"] + tied)


def model_states(recipe: Recipe, vocabulary: int, held: int, grid: Grid, stage: Stage) -> dict[str, int]:
    """Bytes of weights, gradients and optimizer in fp32 (AdamW, or Muon with one moment of matrices), as DeepSpeed holds them.

    ZeRO 1 and 2 keep a master copy of a device's share beside the whole weights. Both add gradients up by share, but
    a device that has a piece of a tensor in its share keeps its whole gradient, which tells for the embeddings, and for an
    untied head that is larger than a share. ZeRO 3 keeps two copies of the share, and small tensors whole.
    """
    shape, size = recipe.architecture, _held_in(recipe)
    own = math.ceil(held / grid.sharing)
    kept = 0 if grid.offload else 3 * FLOAT32 * own  # on the device; the host takes it otherwise
    if grid.zero_stage == 0:
        moments = 2 * held
        if recipe.training.optimizer.name == "muon":
            parts = parameters(shape, vocabulary)
            moments -= parts["attention"] + parts["feed_forward"]
        return {"weights": FLOAT32 * held, "gradients": FLOAT32 * held, "optimizer": FLOAT32 * moments}
    if grid.zero_stage == 3:
        small = persistent(shape, grid) if grid.sharing > 1 else 0  # what no one shares is its own gathered tensor
        weights, gradients = own + small, own
    else:
        matrix = shape.padded_vocabulary(vocabulary) * shape.width
        untied = not shape.tied_embeddings
        whole = matrix if stage.first or not untied else 0
        head = matrix if stage.last and untied else 0
        share = math.ceil((held - whole) / grid.sharing)
        # Where the head begins a device has the last matrices before it as well.
        weights, gradients = held, whole + max(share, head + (held - whole - head) % share)
    return {"weights": size * weights, "gradients": size * gradients, "optimizer": kept}


def persistent(shape: Architecture, grid: Grid) -> int:
    """Elements of a device's tensors that are too small for ZeRO 3 to share."""
    d, f = shape.width, shape.feed_forward
    grouped = d // shape.heads * shape.key_value_heads
    if shape.family == "modernbert":
        cut, whole = [3 * d * d, d * d, 2 * d * f, d * f], [d] * 2
    elif shape.family == "llama":
        cut, whole = [d * d, d * grouped, d * grouped, d * d, d * f, d * f, d * f], [d] * 2
    elif shape.family == "gpt2":
        cut, whole = [3 * d * d, 3 * d, d * d, d * f, f, f * d], [d] * 6
    else:
        cut, whole = [*[d * d, d] * 3, d * d, d * f, f, f * d], [d] * 6
    layer = [size // grid.tensor for size in cut] + whole
    return sum(size for size in layer if size < PERSISTENT) * shape.layers // grid.pipeline


def buffers(recipe: Recipe, held: int, grid: Grid) -> int:
    """Bytes that communication takes: flattened gradients, a bucket, with ZeRO 3 the weights that live at once.

    ZeRO takes its bucket where nothing is shared too, and a second one under a pipeline, which has its own backward pass.
    """
    if grid.zero_stage == 0:
        return FLOAT32 * min(held, FLATTENED) if grid.sharing > 1 else 0
    gathered = BFLOAT16 if _gathered_in_bf16(recipe, grid) else _held_in(recipe)
    alive = gathered * min(held, GATHERED) if grid.zero_stage == 3 and grid.sharing > 1 else 0
    return _held_in(recipe) * BUCKET * (2 if grid.pipeline > 1 else 1) + alive


def average(recipe: Recipe, vocabulary: int) -> int:
    """Bytes of an average of all weights, in fp32, which the first rank keeps whole whatever the layout."""
    if recipe.training.average.kind == "none":
        return 0
    return FLOAT32 * sum(parameters(recipe.architecture, vocabulary).values())


def activations(
    recipe: Recipe, vocabulary: int, grid: Grid, stage: Stage, tokens: int, beside: int, fused_dropout: bool = True
) -> int:
    """Bytes that the backward pass keeps of micro-batches in flight on a stage, `tokens` each.

    With checkpointing a layer keeps its input, and one layer at a time is whole: when the logits, the bytes `beside`, are gone,
    so that it counts by what it has more than these.
    """
    layers = recipe.architecture.layers // grid.pipeline
    layer = tokens * layer_bytes(recipe, grid, fused_dropout)
    mask = tokens * mask_bytes(recipe, grid, fused_dropout)
    ends = tokens * ends_bytes(recipe, stage)
    copies = autocast_copies(recipe, vocabulary, grid, stage)
    if grid.checkpointing:
        kept = _held_in(recipe) * tokens * recipe.architecture.width * layers
        return stage.flying * (kept + ends) + max(layer + mask - beside, 0) + copies
    return stage.flying * (layers * layer + masked_layers(recipe, grid) * mask + ends) + copies


def layer_bytes(recipe: Recipe, grid: Grid, fused_dropout: bool) -> int:
    """Bytes that one layer keeps per token."""
    shape, size = recipe.architecture, _computed_in(recipe)
    kept, d = KEPT[shape.family], shape.width
    narrow = kept.narrow_autocast if _autocast(recipe) else kept.narrow
    beside = narrow - 1  # one of them is what attention gives, which is shared
    dropping = shape.dropout > 0
    wide = FLOAT32 * kept.upcast + _held_in(recipe) * (kept.wide - kept.upcast)
    whole = wide * d + FLOAT32 * kept.statistics + size * beside * d
    if dropping:
        whole += (MASK if fused_dropout else size) * kept.masks * d
    shared = size * (d + kept.inner * shape.feed_forward)
    if dropping and not fused_dropout:
        length = recipe.training.sequence_length
        shared += FLOAT32 * 3 * (d + shape.heads * length)
    else:
        heads = (
            shape.heads if recipe.training.separates else shape.key_value_heads
        )  # a mask takes as many as of queries
        keys_and_values = 2 * d // shape.heads * heads if shape.family == "llama" else 0
        shared += size * (kept.attention * d + keys_and_values) + FLOAT32 * shape.heads
    return whole + math.ceil(shared / grid.tensor)


def masked_layers(recipe: Recipe, grid: Grid) -> int:
    """Layers of a stage whose attention is told who attends to whom: where documents are kept apart, or a window is seen."""
    shape = recipe.architecture
    if recipe.training.separates or (shape.family == "modernbert" and grid.sequence > 1):
        return shape.layers // grid.pipeline
    return shape.layers - math.ceil(shape.layers / GLOBAL_EVERY) if shape.family == "modernbert" else 0


def mask_bytes(recipe: Recipe, grid: Grid, fused_dropout: bool) -> int:
    """Bytes per token that one such layer keeps: numbers for all tokens of the sequence, in the format of the matrices.

    Attention that drops out on a CPU keeps its scores instead.
    """
    if not masked_layers(recipe, grid) or (recipe.architecture.dropout > 0 and not fused_dropout):
        return 0
    return _computed_in(recipe) * recipe.training.sequence_length * grid.sequence


def ends_bytes(recipe: Recipe, stage: Stage) -> int:
    """Bytes per token that is kept before the first and after the last layer, logits left out."""
    shape, size, residual = recipe.architecture, _computed_in(recipe), _held_in(recipe)
    dropped = residual * shape.width if shape.dropout > 0 and KEPT[shape.family].masks and stage.first else 0
    if not stage.last:
        return dropped
    if recipe.objective == "masked":
        norms = 2 if shape.family == "modernbert" else 1
        return (
            residual * norms * shape.width + dropped + math.ceil(4 * size * shape.width * recipe.training.masked_share)
        )
    norm = FLOAT32 + residual if shape.family == "llama" else residual
    return norm * shape.width + size * shape.width + dropped


def autocast_copies(recipe: Recipe, vocabulary: int, grid: Grid, stage: Stage) -> int:
    """Bytes of the bf16 copies of matrices that autocast makes for a forward pass and keeps until the backward pass.

    With ZeRO 3 DeepSpeed gathers the weights of linear layers in bf16, so that nothing is copied but a tied head.
    """
    if not _autocast(recipe):
        return 0
    shape, parts = recipe.architecture, parameters(recipe.architecture, vocabulary)
    head = stage.last * shape.padded_vocabulary(vocabulary) * shape.width
    if _gathered_in_bf16(recipe, grid):
        return BFLOAT16 * head * shape.tied_embeddings
    return BFLOAT16 * ((parts["attention"] + parts["feed_forward"]) // (grid.tensor * grid.pipeline) + head)


def logits(recipe: Recipe, vocabulary: int, tokens: int) -> int:
    """Bytes of the head's values in fp32 at the fullest moment of a loss and its gradient; masked models ask for a share.

    Log probabilities and their gradient are two tensors of all logits. Label smoothing adds its own gradient; the z-loss keeps
    the logits, and the gradient of their normaliser takes two more before all are added up. A head in bf16 has given its values
    up by then.
    """
    training = recipe.training
    asked = tokens if recipe.objective == "causal" else math.ceil(tokens * training.masked_share)
    copies = 5 if training.z_loss else 3 if training.label_smoothing else 2
    return FLOAT32 * copies * asked * recipe.architecture.padded_vocabulary(vocabulary)


def _autocast(recipe: Recipe) -> bool:
    return recipe.training.precision == AUTOCAST


def _computed_in(recipe: Recipe) -> int:
    """Bytes of an input of a matrix."""
    return FLOAT32 if recipe.training.computes_in == FP32 else BFLOAT16


def _held_in(recipe: Recipe) -> int:
    """Bytes of a weight, of a gradient and of an element of the residual stream."""
    return BFLOAT16 if recipe.training.precision == BF16 else FLOAT32


def _gathered_in_bf16(recipe: Recipe, grid: Grid) -> bool:
    linear = (
        recipe.architecture.family != "gpt2"
    )  # whose layers are of a class of their own, which DeepSpeed leaves alone
    return linear and grid.zero_stage == 3 and _autocast(recipe)
