"""What a causal model writes while it is trained: one short text that goes on from always the same words.

Numbers are drawn by a generator of its own, so that nothing else changes. Every token takes a forward pass of all ranks,
since with ZeRO 3 each holds a share of the weights; rank 0 draws for all.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

from scripts.lib.seeds import seed_for
from scripts.lib.special_tokens import END
from scripts.pretraining.data import TrainingData
from scripts.pretraining.engine import Engine
from scripts.pretraining.job import Job

PROMPT_TOKENS, NEW_TOKENS = 16, 32
TOP_K, TEMPERATURE, REPEATED = (
    20,
    0.5,
    3,
)  # no REPEATED tokens come in a row a second time: small models go round in circles


def prompts_of(job: Job, data: TrainingData, source: str, limit: int) -> list[list[int]]:
    """Return the starts of at most `limit` validation texts of a source, so short that any context has room behind them."""
    size = min(PROMPT_TOKENS, job.recipe.architecture.context // 2)
    found: list[list[int]] = data.validation(source, limit)[:, :size].tolist()
    return found


def prompt_of(job: Job, data: TrainingData) -> list[int]:
    """Return the start of the first validation text; the end of a text, whereupon one begins, where there is none."""
    prompts = (prompt for source in data.sources for prompt in prompts_of(job, data, source, 1))
    return next(prompts, [END])


def continuation(job: Job, engine: Engine, prompt: list[int]) -> list[int]:
    """Return the ids that the model puts behind a prompt, up to the end of a text; every rank has to call it."""
    engine.model.eval()
    generator = torch.Generator().manual_seed(seed_for(job.recipe.seed, "pretraining", "continuation") >> 1)
    ids = list(prompt)
    for _ in range(min(NEW_TOKENS, job.recipe.architecture.context - len(prompt))):
        with torch.no_grad():
            logits = engine.logits(torch.tensor([ids], device=engine.device))[0, -1]
        chosen = draw(logits[: job.vocabulary].float().cpu(), ids, generator).to(engine.device)
        dist.broadcast(chosen, 0)
        ids.append(int(chosen))
        if ids[-1] == END:
            break
    return ids[len(prompt) :]


def draw(logits: Tensor, ids: list[int], generator: torch.Generator) -> Tensor:
    """Draw one of the most probable ids that may follow `ids`."""
    allowed = logits.index_fill(0, torch.tensor(repeating(ids), dtype=torch.int64), -torch.inf)
    best, places = allowed.topk(min(TOP_K, len(logits)))
    return places[torch.multinomial(torch.softmax(best / TEMPERATURE, 0), 1, generator=generator)]


def repeating(ids: list[int]) -> list[int]:
    """Return the ids after which the last REPEATED would have stood in `ids` before."""
    last, before = ids[1 - REPEATED :], REPEATED - 1
    return [ids[at + before] for at in range(len(ids) - before) if ids[at : at + before] == last]
