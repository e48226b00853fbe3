"""The result of a training run: a Hugging Face folder that was loaded again and compared, metrics and samples."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer, GenerationConfig, PreTrainedModel

from scripts.lib.canonical import canonical_json, readable_json
from scripts.lib.errors import UserError
from scripts.lib.likelihood import KINDS
from scripts.lib.matching import stamp_tokenizer
from scripts.lib.publish import write_atomic
from scripts.lib.seeds import seed_for
from scripts.lib.special_tokens import BEGIN, END, PAD
from scripts.pretraining.architecture import build_model
from scripts.pretraining.data import TrainingData
from scripts.pretraining.job import RESULT, Job
from scripts.pretraining.metrics import METRICS
from scripts.pretraining.recipe import BEST_FIT, BF16
from scripts.pretraining.sampling import REPEATED, TEMPERATURE, TOP_K, prompts_of
from scripts.pretraining.size import parameters

NEW_TOKENS = 64
TEXTS = 4  # samples without a prompt, and of each source
ROUNDED = 0.02  # largest difference of a logit beside the largest logit, in bf16: sums are rounded to 8 bits
SPLIT = 1e-3  # and in fp32 where sums were made in parts on several ranks, or on another kind of device


def write_result(
    job: Job,
    weights: dict[str, Tensor],
    probe: tuple[Tensor, Tensor],
    data: TrainingData,
    folder: Path,
    note: Callable[[str], None],
) -> None:
    """Write `result/` with `export/`, `metrics.jsonl`, `samples.json`.

    `weights` are the trained ones by name, `probe` is token ids [n, length] and the trained model's logits for them;
    raises UserError when the model loaded from the export gives others. `note` is told what comes next, so that an export that
    takes long is not taken for one that hangs.
    """
    result = folder / RESULT
    shutil.rmtree(result, ignore_errors=True)
    export = result / "export"
    export.mkdir(parents=True)
    model = build_model(job.recipe.architecture, job.vocabulary, job.recipe.seed)
    model.load_state_dict(weights)
    if job.recipe.objective == "causal":
        model.generation_config = GenerationConfig(bos_token_id=BEGIN, eos_token_id=END, pad_token_id=PAD)
    stamp_tokenizer(model.config, Path(job.tokenizer))
    note("writing the weights of the export")
    model.save_pretrained(export, safe_serialization=True)
    for file in sorted(Path(job.tokenizer).iterdir()):
        shutil.copyfile(file, export / file.name)
    last = json.loads((folder / METRICS).read_text("utf-8").splitlines()[-1])
    (export / "README.md").write_text(model_card(job, last["validation"]), encoding="utf-8")
    note("loading the export again")
    loaded = KINDS[job.recipe.objective].from_pretrained(export).eval()
    require_equal_weights(loaded, weights, job)
    note("comparing the export's logits")
    require_equal_logits(loaded, probe, job)
    shutil.copyfile(folder / METRICS, result / METRICS)
    write_atomic(result / "samples.json", readable_json(samples(loaded, job, data, note)).encode("utf-8"))


def require_equal_weights(model: PreTrainedModel, weights: dict[str, Tensor], job: Job) -> None:
    """Raise UserError unless the model has the weights, bit for bit."""
    found = model.state_dict()
    wrong = [name for name, value in weights.items() if name not in found or not torch.equal(found[name], value)]
    if wrong:
        raise UserError(
            f"The export of {job.recipe.model} has other weights than the trained model ({len(wrong)} tensors, the first is "
            f"{wrong[0]}); this is a defect of the export, so nothing was published: run again or report it."
        )


def require_equal_logits(model: PreTrainedModel, probe: tuple[Tensor, Tensor], job: Job) -> None:
    """Raise UserError unless the model gives the logits of the probe."""
    tokens, expected = probe
    rounded = job.recipe.training.computes_in == BF16
    device = _placed(model, tokens.device).device
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=rounded):
        logits = model(input_ids=tokens.to(device)).logits.float()
    difference = float((logits.cpu() - expected.cpu()).abs().max())
    allowed = SPLIT if job.layout.tensor > 1 or job.layout.sequence > 1 or device != tokens.device else 0.0
    if rounded:
        allowed = ROUNDED * float(expected.abs().max())
    if not difference <= allowed:
        raise UserError(
            f"The export of {job.recipe.model} gives other logits than the trained model (largest difference "
            f"{difference}); this is a defect of the export, so nothing was published: run again or report it."
        )


def _placed(model: PreTrainedModel, device: torch.device) -> PreTrainedModel:
    """Move a whole model to a device that has room for it; one that many devices trained may fit into the host alone."""
    size = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    room = size if device.type == "cpu" else torch.cuda.mem_get_info(device)[0] // 2
    moved: PreTrainedModel = model.to(device if size <= room else "cpu")
    return moved


def samples(model: PreTrainedModel, job: Job, data: TrainingData, note: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return seeded samples: a few without a prompt, and a few that continue validation texts of each source.

    Each has the keys source (null without a prompt), number, temperature, prompt and text. None for masked models.
    """
    if job.recipe.objective != "causal":
        return []
    tokenizer = AutoTokenizer.from_pretrained(job.tokenizer)
    prompts: dict[str | None, list[list[int]]] = {None: [[END]] * TEXTS}  # a document follows where one ended
    for source in data.sources:
        prompts[source] = prompts_of(job, data, source, TEXTS)
    written = []
    for origin, texts in prompts.items():
        for number, ids in enumerate(texts):
            note(f"writing sample {number} of {origin or 'no source'}")
            written.append(_sample(model, job, tokenizer, origin, number, ids))
    return written


def _sample(
    model: PreTrainedModel, job: Job, tokenizer: Any, source: str | None, number: int, ids: list[int]
) -> dict[str, Any]:
    torch.manual_seed(seed_for(job.recipe.seed, "pretraining", "sample", source or "", str(number)) >> 1)
    room = job.recipe.architecture.context - len(ids)
    padding = list(range(job.vocabulary, job.recipe.architecture.padded_vocabulary(job.vocabulary)))
    given = torch.tensor([ids], device=model.device)
    made = model.generate(
        given,
        attention_mask=torch.ones_like(given),
        do_sample=True,
        temperature=TEMPERATURE,
        top_k=min(TOP_K, job.vocabulary),
        no_repeat_ngram_size=REPEATED,
        max_new_tokens=min(NEW_TOKENS, room),
        suppress_tokens=padding or None,
    )
    decode = [tokenizer.decode(part, skip_special_tokens=True) for part in (ids, made[0, len(ids) :].tolist())]
    return {"source": source, "number": number, "temperature": TEMPERATURE, "prompt": decode[0], "text": decode[1]}


def model_card(job: Job, validation: dict[str, dict[str, float]]) -> str:
    """Return the README of the export."""
    recipe, training = job.recipe, job.recipe.training
    count = sum(parameters(recipe.architecture, job.vocabulary).values())
    losses = "".join(
        f"| {source} | {values['loss']:.4f} | {_decimal(values.get('bits_per_byte'))} | {values['tokens']} |\n"
        for source, values in sorted(validation.items())
    )
    padded = " (padding of packed samples counted)" if training.packing == BEST_FIT else ""
    origin = recipe.origin
    begin = "from scratch" if origin is None else f"from step {origin.step} of {origin.model} on"
    runs = training.batches.runs(training.steps)
    batches = ", then ".join(f"{count:,} steps of {sequences}" for count, sequences in runs)
    masks = (
        " Its dropout masks repeat at one size of micro-batch and number of tensor and sequence ranks and stages only."
        if recipe.architecture.dropout
        else ""
    )
    return f"""---
library_name: transformers
pipeline_tag: {"text-generation" if recipe.objective == "causal" else "fill-mask"}
---
# {recipe.model}

A {recipe.architecture.family} model with {count:,} parameters, pretrained {begin} by Groundwork
({recipe.objective} objective) on {training.tokens:,} tokens{padded}: {batches}
sequences of {training.sequence_length} tokens, in {training.precision}.{masks}

| source | validation loss | bits per byte | tokens |
|---|---|---|---|
{losses}
It is a research artefact: it was not aligned, may state falsehoods and repeats what its corpus holds.

Recipe: `{canonical_json(recipe.to_json())}`
"""


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
