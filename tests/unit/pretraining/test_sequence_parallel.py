"""Two ranks that share the tokens of each sequence train as a plain loop on whole sequences does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from scripts.lib.errors import UserError
from scripts.pretraining.layout import Layout, Sizes, check_parallel
from scripts.pretraining.recipe import Recipe
from tests.unit.pretraining import tiny
from tests.unit.pretraining.parallel import Done, done_in

# ZeRO 3 comes last: it replaces torch's linear layer in all of its process.
WAYS: dict[str, dict[str, Any]] = {
    "llama with an exponential average": {"micro_batch": 4, "average": {"kind": "ema", "decay": 0.8}},
    "gpt2 with smoothing, ZeRO 1": {"family": "gpt2", "zero_stage": 1, "label_smoothing": 0.1},
    "llama, packed, ZeRO 2, computed again": {"packing": "best_fit", "zero_stage": 2, "checkpointing": True},
    "bert, accumulation 4": {"family": "bert"},
    "modernbert": {"family": "modernbert", "micro_batch": 8},
    "modernbert, packed": {"family": "modernbert", "packing": "best_fit"},
    "llama, ZeRO 3": {"zero_stage": 3},
}
DROPPED = {"family": "gpt2", "dropout": 0.1}


@pytest.fixture(scope="module")
def done(inputs: tiny.Inputs, tmp_path_factory: pytest.TempPathFactory) -> Done:
    inputs.pack(24)
    return done_in(tmp_path_factory.mktemp("done"), inputs, WAYS, DROPPED, sequence=2)


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_it_equals_a_plain_loop_and_goes_on_bit_for_bit(done: Done, way: str) -> None:
    done.require_plain(way)
    done.require_same_bits(way, way, "result")


@pytest.mark.long
def test_killed_and_gone_on_with_it_ends_with_the_same_bits(done: Done) -> None:
    done.require_resumed()


@pytest.mark.long
def test_one_process_goes_on_from_it(done: Done, device: torch.device, tmp_path: Path) -> None:
    done.require_goes_on_alone("llama with an exponential average", 1, tmp_path, device)


def test_every_token_of_a_batch_belongs_to_one_rank_that_counts_it() -> None:
    layout = Layout(16, 1, 2, 1, 1, tensor=2, pipeline=2, sequence=2)
    assert layout.data == 2 and layout.sharing == 4
    counted = [
        (number, place)
        for rank in range(16)
        if layout.speaks(rank)
        for number, _ in layout.micro_batches(rank, 4)
        for place in range(*layout.columns(rank, 6).indices(6))
    ]
    assert sorted(counted) == [(number, place) for number in range(4) for place in range(6)]
    places = [(layout.stage(rank), layout.place(rank), layout.part(rank), rank % 2) for rank in range(16)]
    assert places == sorted(set(places)), "one rank for each place, in order"


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        (Sizes(sequence=5), r"--sequence: 5 does not divide training\.sequence_length of tiny, 24; choose a divisor"),
        (Sizes(sequence=4), r"--tensor x --sequence: 4 does not divide architecture\.key_value_heads of tiny, 2"),
    ],
)
def test_sequences_that_cannot_be_shared_are_refused(sizes: Sizes, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        check_parallel(Recipe.from_settings(tiny.settings()), sizes, 0)
