"""What a language model thinks of a continuation: the log probability of answers, for causal and masked models alike.

Every text starts after the token that ends a document, as it did in training. A causal model is asked for each token of the
answer given all before it. A masked model is asked with the whole answer masked ("together", as in cloze-style fine-tuning,
Schick and Schütze 2021), or with one token masked at a time, whose sum is the pseudo-log-likelihood of Salazar et al. 2020.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from scripts.lib.errors import UserError
from scripts.lib.masking import IGNORED
from scripts.lib.matching import check_stamp
from scripts.lib.special_tokens import END, MASK, PAD

F64 = NDArray[np.float64]
BATCH_TOKENS = 4096  # of one forward pass, so that the logits stay small
KINDS = {"causal": AutoModelForCausalLM, "masked": AutoModelForMaskedLM}


class AnswerTooLong(UserError):
    """An answer does not fit into a model's context."""


@dataclass(frozen=True)
class Row:
    """One sequence for the model: its input ids, and the ids it is asked for (IGNORED elsewhere), of one length."""

    inputs: tuple[int, ...]
    labels: tuple[int, ...]


def encode_answer(tokenizer: Any, prompt: str, answer: str) -> tuple[list[int], list[int]]:
    """Return the ids of a prompt and of an answer as they stand in the ids of both together.

    A piece may reach over the seam; it then belongs to the answer.
    """
    whole: list[int] = tokenizer.encode(prompt + answer, add_special_tokens=False)
    alone: list[int] = tokenizer.encode(prompt, add_special_tokens=False) if prompt else []
    shared = next(
        (i for i, (a, b) in enumerate(zip(alone, whole, strict=False)) if a != b), min(len(alone), len(whole))
    )
    return whole[:shared], whole[shared:]


def rows_for(
    objective: str, prompt: Sequence[int], answer: Sequence[int], context: int, together: bool = True
) -> list[Row]:
    """Return the rows that ask a model with room for `context` tokens for an answer.

    A prompt that does not fit loses its beginning. Raises AnswerTooLong for an answer that does not fit by itself.
    """
    room = context - len(answer) - (0 if objective == "causal" else 2)
    if room < (0 if objective == "causal" else 1) or not answer:
        raise AnswerTooLong(
            f"An answer of {len(answer)} tokens does not fit into a context of {context}; leave the task out or use a model "
            "with a longer context."
        )
    kept = [END, *prompt]
    if objective == "causal":
        kept = kept[-(room + 1) :]
        whole = [*kept, *answer]
        return [Row(tuple(whole[:-1]), tuple([IGNORED] * (len(kept) - 1) + list(answer)))]
    kept = kept[-(room + 1) :]
    spots = range(len(kept), len(kept) + len(answer))
    groups = [list(spots)] if together else [[spot] for spot in spots]
    whole = [*kept, *answer, END]
    rows = []
    for group in groups:
        inputs = tuple(MASK if place in group else token for place, token in enumerate(whole))
        labels = tuple(token if place in group else IGNORED for place, token in enumerate(whole))
        rows.append(Row(inputs, labels))
    return rows


def batches(rows: Sequence[Row], tokens: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Yield the numbers of rows that go together: longest first, so that little is padded, at most `tokens` with padding."""
    order = sorted(range(len(rows)), key=lambda number: (-len(rows[number].inputs), number))
    batch: list[int] = []
    for number in order:
        if batch and (len(batch) + 1) * len(rows[batch[0]].inputs) > tokens:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


@contextmanager
def asking(network: Any, rows: Tensor, places: Tensor) -> Iterator[None]:
    """Within the block, let a model give logits [asked, vocabulary] of these rows and places of its input alone.

    The output layer is most of the work of a small model, and few tokens of a prompt with an answer are asked for.
    """
    head = network.get_output_embeddings()
    hook = head.register_forward_pre_hook(lambda _, given: (given[0][rows, places],))
    try:
        yield
    finally:
        hook.remove()


class LanguageModel:
    """A model and its tokenizer."""

    def __init__(self, network: Any, objective: str, tokenizer: Any, device: torch.device) -> None:
        self.network, self.objective, self.tokenizer, self.device = network.to(device), objective, tokenizer, device
        self.context: int = network.config.max_position_embeddings

    @classmethod
    def load(cls, export: Path, objective: str) -> LanguageModel:
        """Load an export (model and tokenizer in Hugging Face form) in fp32, on the GPU when there is one.

        Raises UserError for an export with another tokenizer than that of its model.
        """
        network = KINDS[objective].from_pretrained(export, dtype=torch.float32).eval()
        check_stamp(network.config, export)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return cls(network, objective, AutoTokenizer.from_pretrained(export), device)

    def rows(self, prompt: str, answer: str, together: bool = True, ended: bool = False) -> list[Row]:
        """Return the rows that ask this model for an answer to a prompt, with the end of the document when `ended`."""
        given, ids = encode_answer(self.tokenizer, prompt, answer)
        return rows_for(self.objective, given, ids + [END] * ended, self.context, together)

    def losses(self, rows: Sequence[Row]) -> tuple[Tensor, Tensor]:
        """Return nats and number of asked tokens of each row, both of shape [rows], in one forward pass with gradient.

        Rows of equal inputs, as the one-token answers to one question are, go through the model once, but for training,
        where each has dropout of its own.
        """
        keys = [(row.inputs, number * self.network.training) for number, row in enumerate(rows)]
        place = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        shape = (len(place), max(len(ids) for ids, _ in place))
        inputs = torch.full(shape, PAD, dtype=torch.int64)
        there = torch.zeros(shape, dtype=torch.int64)
        for (ids, _), number in place.items():
            inputs[number, : len(ids)] = torch.tensor(ids)
            there[number, : len(ids)] = 1
        asked = [
            (owner, place[keys[owner]], spot, label)
            for owner, row in enumerate(rows)
            for spot, label in enumerate(row.labels)
            if label != IGNORED
        ]
        owners, numbers, spots, labels = torch.tensor(asked, device=self.device).T
        with asking(self.network, numbers, spots):
            logits = self.network(input_ids=inputs.to(self.device), attention_mask=there.to(self.device)).logits
        nats = functional.cross_entropy(logits.float(), labels, reduction="none")
        sums = torch.zeros(len(rows), device=self.device).index_add(0, owners, nats)
        return sums, owners.bincount(minlength=len(rows))

    def nats(self, rows: Sequence[Row]) -> F64:
        """Return the nats of each row, shape [rows], without gradient."""
        found = np.zeros(len(rows))
        self.network.eval()
        with torch.no_grad():
            for batch in batches(rows):
                sums, _ = self.losses([rows[number] for number in batch])
                found[batch] = sums.double().cpu().numpy()
        return found

    def log_likelihoods(self, pairs: Sequence[tuple[str, str]], together: bool = True) -> F64:
        """Return the log probability in nats of each answer given its prompt, shape [pairs]."""
        owners: list[int] = []
        rows: list[Row] = []
        for number, (prompt, answer) in enumerate(pairs):
            made = self.rows(prompt, answer, together)
            rows += made
            owners += [number] * len(made)
        totals = np.zeros(len(pairs))
        np.add.at(totals, owners, -self.nats(rows))
        return totals

    def answers(self, prompts: Sequence[str], new_tokens: int) -> list[str]:
        """Return the most probable continuation, token by token, of each prompt up to the end of the document.

        Of a short context the half at most is kept for it, so that the end of a long prompt is still read.
        """
        if self.objective != "causal":
            raise UserError("A masked model writes no text; leave tasks with a target text to causal models.")
        room = max(self.context - new_tokens, self.context // 2)
        ids = [[END, *self.tokenizer.encode(prompt, add_special_tokens=False)][-room:] for prompt in prompts]
        length = max(len(one) for one in ids)
        given = torch.full((len(ids), length), PAD, dtype=torch.int64)  # padded on the left: answers begin together
        there = torch.zeros_like(given)
        for number, one in enumerate(ids):
            given[number, length - len(one) :] = torch.tensor(one)
            there[number, length - len(one) :] = 1
        with torch.no_grad():
            made = self.network.generate(
                given.to(self.device),
                attention_mask=there.to(self.device),
                do_sample=False,
                max_new_tokens=min(new_tokens, self.context - length),
                pad_token_id=PAD,
                eos_token_id=END,
            )
        return [self.tokenizer.decode(row, skip_special_tokens=True).strip() for row in made[:, length:].tolist()]
