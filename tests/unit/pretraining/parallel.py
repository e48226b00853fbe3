"""Train in several processes what a test has written as jobs: each to the end, and again from its last checkpoint but one.

As a program, one of the ranks: python -m tests.unit.pretraining.parallel JOB.json...
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from deepspeed.utils import groups
from safetensors.torch import load_file

from scripts.pretraining.engine import start_processes, stop_processes
from scripts.pretraining.job import Job
from scripts.pretraining.layout import lay_out
from scripts.pretraining.presence import FOLDER
from scripts.pretraining.trainer import Trainer
from tests.unit.pretraining import tiny
from tests.unit.pretraining.plain import plain_steps
from tests.unit.pretraining.rank import Rows, Weights, largest_difference, losses, make_job, run

FIRST = "first"  # the result of the run to the end
WHOLE, KILLED = "whole", "killed"  # two jobs of one recipe


class Done:
    """What processes made of jobs, each in a folder of its own; those of `killed` were killed in their first run."""

    def __init__(self, folder: Path, jobs: dict[str, Job], *killed: str) -> None:
        self.folder, self.jobs = folder, jobs
        (count,) = {job.layout.processes for job in jobs.values()}
        for name in jobs:
            (folder / name).mkdir()
        paths = {name: job.write(folder / name) for name, job in jobs.items()}
        for number, name in enumerate(killed):
            first = Group(count, [paths[name]], folder / f"first-meeting-{number}", folder / f"first-{number}")
            first.kill_after("step 14 of 20")
        ranks = Group(count, paths.values(), folder / "meeting", folder / "log")
        ranks.finish()
        self.log = ranks.said()

    def require_resumed(self) -> None:
        """Require that the killed job went on from a checkpoint and ended with the bits of the one that was left alone."""
        assert re.search(r"resuming after step (5|10)\n", self.log)
        self.require_same_bits(WHOLE, KILLED)

    def published(self, name: str, result: str = FIRST) -> tuple[Weights, Rows]:
        """Return the weights and the rows of metrics of a result."""
        place = self.folder / name / result
        lines = (place / "metrics.jsonl").read_text("utf-8").splitlines()
        return load_file(place / "export" / "model.safetensors"), [json.loads(line) for line in lines]

    def require_plain(self, name: str, within: float = 1e-5) -> None:
        """Require losses, norms, and weights or their average, of a plain loop on the same global batches."""
        job, (weights, rows) = self.jobs[name], self.published(name)
        expected = list(plain_steps(job))
        steps = [row for row in rows if "loss" in row]
        assert len(steps) == 20
        assert max(abs(row["loss"] - loss) for row, (loss, _, _) in zip(steps, expected, strict=True)) <= within
        norms = [abs(row["grad_norm"] - norm) for row, (_, norm, _) in zip(steps, expected, strict=True)]
        assert max(norms) <= 10 * within
        assert max(norm for _, norm, _ in expected) > job.recipe.training.gradient_clipping, "nothing was clipped"
        last, *later = [now for _, _, now in expected]
        decay = job.recipe.training.average.decay if job.recipe.training.average.kind == "ema" else 0.0
        for now in later:
            last = {key: decay * last[key] + (1 - decay) * now[key] for key in now}
        assert largest_difference({key: last[key] for key in last if key in weights}, weights) <= 100 * within

    def require_goes_on_alone(self, name: str, zero_stage: int, folder: Path, device: torch.device) -> None:
        """Require that one process goes on from the last checkpoint but one with the losses of the others."""
        shutil.copytree(self.folder / name / "step-00000015", folder / "step-00000015")
        job = self.jobs[name]
        alone = lay_out(job.recipe.training.global_batch, 24, 1, 2, zero_stage)
        _, rows = run(replace(job, layout=alone), folder, device)
        differences = [abs(a - b) for a, b in zip(losses(rows), losses(self.published(name)[1]), strict=True)]
        assert differences[:15] == [0.0] * 15 and max(differences) <= 1e-5

    def require_same_bits(self, name: str, other: str, result: str = FIRST) -> None:
        """Require that two results are the same."""
        (weights, rows), (others, others_rows) = self.published(name), self.published(other, result)
        assert rows == others_rows and largest_difference(weights, others) == 0.0


def done_in(
    folder: Path, inputs: tiny.Inputs, ways: Mapping[str, Mapping[str, Any]], dropped: Mapping[str, Any], **shared: Any
) -> Done:
    """Train in all ways, and with dropout twice, once of them killed; `shared` goes for all."""
    named = {WHOLE: dropped, KILLED: dropped, **ways}
    return Done(folder, {name: make_job(inputs, **shared, **chosen) for name, chosen in named.items()}, KILLED)


class Group:
    """Ranks that meet in a folder, as those of the launcher do; each writes a log and runs `code`, or this module."""

    def __init__(self, count: int, jobs: Iterable[Path], meeting: Path, log: Path, code: str = "") -> None:
        meeting.mkdir()
        size = str(count)
        shared = {"WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
        environment = {
            **os.environ,
            **shared,
            FOLDER: str(meeting),
            "PYTHONPATH": str(tiny.ROOT),
            "OMP_NUM_THREADS": "1",
        }
        program = ["-c", code] if code else ["-m", "tests.unit.pretraining.parallel"]
        command = [sys.executable, *program, *map(str, jobs)]
        self.log, self.processes = log, []
        for rank in range(count):
            own = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            with log.with_suffix(f".{rank}").open("wb") as stream:
                self.processes.append(
                    subprocess.Popen(command, env={**environment, **own}, cwd=tiny.ROOT, stdout=stream, stderr=stream)
                )

    def said(self) -> str:
        """Return the logs."""
        return "".join(
            path.read_text("utf-8", errors="replace") for path in sorted(self.log.parent.glob(f"{self.log.stem}.?"))
        )

    def finish(self) -> None:
        """Wait for the end; a rank that fails ends the other."""
        while None in (codes := [process.poll() for process in self.processes]):
            if any(codes):
                self.kill()
            time.sleep(0.05)
        assert not any(codes), self.said()[-8000:]

    def kill_after(self, words: str) -> None:
        """Kill the ranks when the log has some words."""
        while words not in self.said():
            assert all(process.poll() is None for process in self.processes), self.said()[-8000:]
            time.sleep(0.05)
        self.kill()

    def kill(self) -> None:
        """End the ranks by SIGKILL."""
        for process in self.processes:
            process.kill()
            process.wait()


def main() -> None:
    """Train every job, and again from the checkpoint before its last."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    device = start_processes()
    for path in map(Path, sys.argv[1:]):
        job, folder = Job.load(path), path.parent
        groups.mpu = None  # DeepSpeed keeps the layout of the job before
        Trainer(job, folder, device).run()
        if job.until:
            continue
        if dist.get_rank() == 0:
            shutil.move(folder / "result", folder / FIRST)
            shutil.rmtree(max(folder.glob("step-*")))
        dist.barrier()
        Trainer(job, folder, device).run()
    stop_processes()


if __name__ == "__main__":
    main()
