"""Parameters, FLOPs and tensor bytes of a model from its shape alone, without building it (no torch)."""

from __future__ import annotations

from scripts.pretraining.recipe import FAMILIES, ROTARY, Architecture

OPTIMAL_TOKENS_PER_PARAMETER = 20  # Hoffmann et al. 2022: about what their three approaches agree on


def parameters(shape: Architecture, vocabulary: int) -> dict[str, int]:
    """Trained parameters by part; `vocabulary` is the tokenizer's size, padded here. Tied weights count once."""
    d, f, rows = shape.width, shape.feed_forward, shape.padded_vocabulary(vocabulary)
    untied = 0 if shape.tied_embeddings else rows * d
    if shape.family == "llama":
        grouped = d // shape.heads * shape.key_value_heads
        return {
            "embeddings": rows * d,
            "attention": shape.layers * (2 * d * d + 2 * d * grouped),
            "feed_forward": shape.layers * 3 * d * f,
            "norms": (2 * shape.layers + 1) * d,
            "head": untied,
        }
    if shape.family == "modernbert":  # no biases but the head's; the first layer lets its attention's norm out
        return {
            "embeddings": rows * d,
            "attention": shape.layers * 4 * d * d,
            "feed_forward": shape.layers * 3 * d * f,
            "norms": (2 * shape.layers + 1) * d,
            "head": d * d + d + rows,
        }
    attention = shape.layers * (4 * d * d + 4 * d)
    feed_forward = shape.layers * (2 * d * f + f + d)
    if shape.family == "gpt2":
        return {
            "embeddings": (rows + shape.context) * d,
            "attention": attention,
            "feed_forward": feed_forward,
            "norms": (2 * shape.layers + 1) * 2 * d,
            "head": untied,
        }
    return {  # BERT: two segment types; the head is a dense layer, a norm and a bias per token
        "embeddings": (rows + shape.context + 2) * d,
        "attention": attention,
        "feed_forward": feed_forward,
        "norms": (2 * shape.layers + 1) * 2 * d,
        "head": d * d + d + 2 * d + rows,
    }


def matmul_parameters(shape: Architecture, vocabulary: int) -> int:
    """Weights that every token is multiplied with: matrices of the layers and of the output head.

    Looking up an embedding costs no multiplication; a tied head counts here although it adds no parameter.
    """
    d, f, rows = shape.width, shape.feed_forward, shape.padded_vocabulary(vocabulary)
    grouped = d // shape.heads * shape.key_value_heads
    matrices = 3 if shape.family in ROTARY else 2  # a gate beside the two
    transform = d * d if FAMILIES[shape.family] == "masked" else 0
    return shape.layers * (2 * d * d + 2 * d * grouped + matrices * d * f) + transform + rows * d


def flops_per_token(shape: Architecture, vocabulary: int, sequence_length: int) -> int:
    """Training FLOPs per token: 6 N + 12 L d T (forward and backward, Kaplan et al. 2020; Chowdhery et al. 2022).

    N are `matmul_parameters`; the second term is attention scores and values over the whole sequence of T
    tokens. The masked half of causal attention is counted as if computed, and so is what lies outside of the windows
    of ModernBERT's local layers.
    """
    attention = 12 * shape.layers * shape.width * sequence_length
    return 6 * matmul_parameters(shape, vocabulary) + attention
