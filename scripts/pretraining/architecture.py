"""Hugging Face models built from one shape and initialised from names; their parameter groups and optimiser."""

from __future__ import annotations

import math
import re
from contextlib import nullcontext

import torch
from torch import Tensor
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import MaskedLMOutput

from scripts.lib.seeds import seed_for
from scripts.lib.special_tokens import BEGIN, END, PAD
from scripts.pretraining.recipe import Architecture

OUTPUT_PROJECTIONS = (
    "attn.c_proj.weight",
    "mlp.c_proj.weight",
    "o_proj.weight",
    "down_proj.weight",
    "attn.Wo.weight",
    "mlp.Wo.weight",
)
LOCAL_THETA = (
    10000.0  # ModernBERT: base of rotary positions in layers that see a window of 128 tokens, two out of three
)


def model_config(shape: Architecture, vocabulary: int) -> PretrainedConfig:
    """The configuration of a shape with the project's special tokens; Llama drops out attention only.

    GPT-2 takes GELU itself, as nanoGPT does, and not the approximation by a hyperbolic tangent, which differs by less than 0.0005
    and takes a CPU three times as long.
    ModernBERT is that of Warner et al. 2024: every third layer sees the whole sequence, the others 128 tokens.
    """
    ids = {"bos_token_id": BEGIN, "eos_token_id": END, "pad_token_id": PAD}
    rows = shape.padded_vocabulary(vocabulary)
    if shape.family == "gpt2":
        return GPT2Config(
            vocab_size=rows, n_positions=shape.context, n_embd=shape.width, n_layer=shape.layers, n_head=shape.heads,
            n_inner=shape.feed_forward, resid_pdrop=shape.dropout, embd_pdrop=shape.dropout, attn_pdrop=shape.dropout,
            initializer_range=shape.initial_deviation, tie_word_embeddings=shape.tied_embeddings,
            activation_function="gelu", **ids,
        )  # fmt: skip
    if shape.family == "llama":
        return LlamaConfig(
            vocab_size=rows, max_position_embeddings=shape.context, hidden_size=shape.width,
            num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
            num_key_value_heads=shape.key_value_heads, head_dim=shape.width // shape.heads,
            intermediate_size=shape.feed_forward, attention_dropout=shape.dropout, rms_norm_eps=1e-5,
            rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
            initializer_range=shape.initial_deviation, tie_word_embeddings=shape.tied_embeddings, **ids,
        )  # fmt: skip
    if shape.family == "modernbert":
        rotary = {
            "full_attention": {"rope_type": "default", "rope_theta": shape.rope_theta},
            "sliding_attention": {"rope_type": "default", "rope_theta": LOCAL_THETA},
        }
        return ModernBertConfig(
            vocab_size=rows, max_position_embeddings=shape.context, hidden_size=shape.width,
            num_hidden_layers=shape.layers, num_attention_heads=shape.heads, intermediate_size=shape.feed_forward,
            embedding_dropout=shape.dropout, attention_dropout=shape.dropout, mlp_dropout=shape.dropout,
            rope_parameters=rotary, initializer_range=shape.initial_deviation, cls_token_id=BEGIN, sep_token_id=END, **ids,
        )  # fmt: skip
    return BertConfig(
        vocab_size=rows, max_position_embeddings=shape.context, hidden_size=shape.width,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, intermediate_size=shape.feed_forward,
        hidden_dropout_prob=shape.dropout, attention_probs_dropout_prob=shape.dropout,
        initializer_range=shape.initial_deviation, tie_word_embeddings=shape.tied_embeddings, **ids,
    )  # fmt: skip


class SparseBert(BertForMaskedLM):  # type: ignore[misc]
    """BERT that can leave out the logits nobody asks for, most of the cost of a small model with a large vocabulary."""

    def forward(
        self,
        input_ids: Tensor,
        asked: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> MaskedLMOutput:
        """Return logits [n, length, vocabulary], or [positions, vocabulary] where `asked` [n, length] is true."""
        hidden = self.bert(input_ids, attention_mask=attention_mask, position_ids=position_ids).last_hidden_state
        return MaskedLMOutput(logits=self.cls(hidden if asked is None else hidden[asked]))


class SparseModernBert(ModernBertForMaskedLM):  # type: ignore[misc]
    """ModernBERT that can leave out the logits nobody asks for."""

    def forward(
        self,
        input_ids: Tensor,
        asked: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> MaskedLMOutput:
        """Return logits [n, length, vocabulary], or [positions, vocabulary] where `asked` [n, length] is true.

        A mask of who attends to whom, bool [n, 1, length, length], is narrowed to the window of the local layers for these.
        """
        masks = None
        if attention_mask is not None:
            places = torch.arange(attention_mask.shape[-1], device=input_ids.device)
            near = (places[:, None] - places[None, :]).abs() <= self.config.sliding_window
            masks = {"full_attention": attention_mask, "sliding_attention": attention_mask & near}
        hidden = self.model(input_ids, attention_mask=masks, position_ids=position_ids).last_hidden_state
        return MaskedLMOutput(logits=self.decoder(self.head(hidden if asked is None else hidden[asked])))


def build_model(
    shape: Architecture, vocabulary: int, seed: int, sparse: bool = False, layers: range | None = None
) -> PreTrainedModel:
    """A new fp32 model in training mode. Equal arguments give equal weights, bit for bit on one platform.

    `sparse` builds a masked model that computes logits only where it is asked to, with the same weights. Of a causal model
    that no rank can hold, `layers` are those that get values: the memory of the others is named and never touched.
    """
    config = model_config(shape, vocabulary)
    model: PreTrainedModel
    with nullcontext() if layers is None else torch.device("meta"):
        if isinstance(config, GPT2Config):
            model = GPT2LMHeadModel(config)
        elif isinstance(config, LlamaConfig):
            model = LlamaForCausalLM(config)
        elif isinstance(config, ModernBertConfig):
            model = (SparseModernBert if sparse else ModernBertForMaskedLM)(config)
        else:
            assert isinstance(config, BertConfig)
            model = (SparseBert if sparse else BertForMaskedLM)(config)
    if layers is not None:
        _give_memory(model)
    initialise(model, shape, seed, layers)
    return model.train()


def _give_memory(model: PreTrainedModel) -> None:
    """Give a causal model that is but shapes memory without values, its ties, and Llama's table of rotations."""
    model.to_empty(device="cpu")
    model.tie_weights()
    if isinstance(model, LlamaForCausalLM):
        model.model.rotary_emb = type(model.model.rotary_emb)(config=model.config)


LAYER = re.compile(r"\.(?:h|layers)\.(\d+)\.")  # GPT-2's and Llama's, by the names of their parameters


@torch.no_grad()  # type: ignore[untyped-decorator]
def initialise(model: torch.nn.Module, shape: Architecture, seed: int, layers: range | None = None) -> None:
    """Norms to 1, biases to 0, everything else normal; each tensor has a generator of its own, seeded by its name.

    With `layers` the others are left as they are.

    Projections that write into the residual stream of a pre-norm model (GPT-2, Llama, ModernBERT) are scaled by
    1 / sqrt(2 x layers), as in the GPT-2 report (Radford et al. 2019), or begin at zero, so that every layer begins
    as the identity (Zhang et al. 2019; Yang et al. 2022). BERT normalises after the sum: no scaling.
    """
    for name, parameter in model.named_parameters():
        layer = None if layers is None else LAYER.search(name)
        if layers is not None and layer is not None and int(layer[1]) not in layers:
            continue
        if parameter.dim() == 1:
            parameter.fill_(0.0 if name.endswith("bias") else 1.0)
            continue
        deviation = shape.initial_deviation
        if name.endswith(OUTPUT_PROJECTIONS):
            deviation = 0.0 if shape.output_projections == "zero" else deviation / math.sqrt(2 * shape.layers)
        generator = torch.Generator().manual_seed(seed_for(seed, "pretraining", "initialise", name))
        parameter.normal_(0.0, deviation, generator=generator)
