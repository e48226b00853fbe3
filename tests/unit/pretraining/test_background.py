"""Checkpoints that are written beside the training: one at a time, whole or not there, and no error is lost."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import pytest
import torch

from scripts.lib import checkpoints
from scripts.lib.errors import UserError
from scripts.pretraining.background import Background
from tests.unit.pretraining import tiny
from tests.unit.pretraining.rank import make_job, run


def writer(gate: threading.Event, folder: Path) -> None:
    """Write half a checkpoint, wait, and write the rest."""
    (folder / "one").write_text("1")
    assert gate.wait(30)
    (folder / "two").write_text("2")


def start(background: Background, folder: Path, step: int, gate: threading.Event) -> None:
    path = checkpoints.pending_path(folder, step)
    background.start(path, [partial(writer, gate)], partial(checkpoints.commit, path, step, "recipe", {}))


def test_it_waits_for_nothing_but_the_one_before_and_names_what_is_whole(device: torch.device, tmp_path: Path) -> None:
    background, gates = Background(), [threading.Event(), threading.Event()]
    start(background, tmp_path, 1, gates[0])
    assert checkpoints.newest(tmp_path, "recipe") is None, "it is not whole yet"
    second = threading.Thread(target=start, args=(background, tmp_path, 2, gates[1]))
    second.start()
    second.join(0.2)
    assert second.is_alive(), "one at a time"
    gates[0].set()
    second.join(30)
    found = checkpoints.newest(tmp_path, "recipe")
    assert found is not None and found.step == 1
    gates[1].set()
    background.wait()
    found = checkpoints.newest(tmp_path, "recipe")
    assert found is not None and found.step == 2


def test_an_error_is_raised_once_where_the_next_one_begins(device: torch.device, tmp_path: Path) -> None:
    background, gate = Background(), threading.Event()
    gate.set()
    (tmp_path / ".step-00000001").write_text("a file in the way")
    start(background, tmp_path, 1, gate)
    with pytest.raises(NotADirectoryError):
        start(background, tmp_path, 2, gate)
    (tmp_path / ".step-00000001").unlink()
    start(background, tmp_path, 3, gate)
    background.wait()
    found = checkpoints.newest(tmp_path, "recipe")
    assert found is not None and found.step == 3


def test_a_disk_that_takes_no_checkpoint_stops_the_run_with_the_remedy(
    inputs: tiny.Inputs, device: torch.device, tmp_path: Path
) -> None:
    (tmp_path / ".step-00000005").write_text("a file in the way")
    with pytest.raises(UserError, match=r"A checkpoint of tiny could not be written to .*Not a directory.*; make room"):
        run(make_job(inputs, steps=5), tmp_path, device)
