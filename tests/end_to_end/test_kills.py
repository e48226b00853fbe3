"""A seeded sample of the long proofs (`make prove`): trainings that are killed after a random step end as if undisturbed."""

from __future__ import annotations

import random
from pathlib import Path

from tests.prove.kills import LAYOUTS, finetuning_kills, training_kills

SEED = 11


def test_a_pretraining_in_two_processes_that_is_killed_ends_with_the_same_bytes(tmp_path: Path) -> None:
    layout = random.Random(SEED).choice(LAYOUTS)
    ((_, kill),) = training_kills(tmp_path, 1, SEED, [layout])
    assert kill.equal, kill


def test_a_finetuning_that_is_killed_ends_with_the_same_bytes(tmp_path: Path) -> None:
    (kill,) = finetuning_kills(tmp_path, 1, SEED)
    assert kill.equal, kill
