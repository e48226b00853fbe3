"""Layers as machine code: torch.compile makes that of one layer, which all layers of its kind share (regional compilation).

A layer is compiled in place, so that names, checkpoints and exports stay as they are. What is learned from has one shape, that of
a micro-batch, and is compiled once for it. All else runs as it is written: samples grow by a token at a time, and of a validation
the last micro-batch may be smaller.
"""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager

import torch
from torch import nn
from torch.utils._triton import has_triton
from transformers.modeling_layers import GradientCheckpointingLayer

from scripts.lib.errors import UserError

CPU_COMPILERS = ("g++", "clang++")


def compile_layers(model: nn.Module, device: torch.device) -> None:
    """Have the layers of a model compiled when they are first called. Raises UserError on a machine that cannot.

    A layer that does not make one piece of code, or more than a few of them, is an error, where PyTorch would go on slowly. No
    kernel is chosen by the clock, so that a run that goes on ends with the same bits.
    """
    require_compiler(device)
    for module in model.modules():
        if isinstance(module, GradientCheckpointingLayer):  # Hugging Face's class of all layers
            module.compile(dynamic=False, fullgraph=True, options={"deterministic": True})


def require_compiler(device: torch.device) -> None:
    """Raise UserError where a machine lacks what makes code for a device."""
    if device.type == "cpu" and not any(map(shutil.which, CPU_COMPILERS)):
        raise UserError("--compile: this machine has no C++ compiler; install g++, or use --compile 0.")
    if device.type != "cpu" and not has_triton():
        raise UserError("--compile: this machine has no Triton for its devices; install triton, or use --compile 0.")


def as_written() -> AbstractContextManager[object]:
    """Within the block compiled layers run as they are written."""
    stance: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return stance
