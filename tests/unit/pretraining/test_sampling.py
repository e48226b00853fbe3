"""What is drawn while training is what Hugging Face's generation may draw: nothing comes in a row a second time."""

from __future__ import annotations

import random

import torch
from transformers.generation.logits_process import NoRepeatNGramLogitsProcessor

from scripts.pretraining.sampling import REPEATED, TOP_K, draw, repeating


def test_what_would_repeat_is_what_hugging_face_leaves_out() -> None:
    rng = random.Random(1)
    for length in range(40):
        ids = [rng.randrange(3) for _ in range(length)]
        scores = NoRepeatNGramLogitsProcessor(REPEATED)(torch.tensor([ids], dtype=torch.int64), torch.zeros(1, 3))
        assert set(repeating(ids)) == set(torch.nonzero(torch.isinf(scores[0])).flatten().tolist()), ids


def test_one_of_the_most_probable_that_may_come_is_drawn() -> None:
    logits, generator = torch.arange(100).float(), torch.Generator().manual_seed(1)
    drawn = {int(draw(logits / 10, [97, 98, 99, 97, 98], generator)) for _ in range(2000)}
    assert 99 not in drawn and min(drawn) >= 99 - TOP_K and len(drawn) > TOP_K // 2
