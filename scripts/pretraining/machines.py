"""Ranks of one training run on several machines of a Slurm job, started by one `srun` and watched from where it runs.

The folder that ranks share has to lie on a file system of all machines; they meet at a port of this one, which is the first of
the job. `srun` ends all of them LAST seconds after the first has ended, and its input, whose other end we hold, ends them when we
die. (It could end them at once when one fails, but to have saved because it was asked to is a failure to it.)
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

from scripts.lib.errors import UserError
from scripts.pretraining.presence import FOLDER, read_note
from scripts.pretraining.ranks import AGAIN, GRACE, Ranks

LAST = 30  # seconds that ranks have to end after the first one


class SlurmRanks(Ranks):
    """The processes of `count` ranks, equally many on each of `machines`; they count as one, which is `srun`."""

    def __init__(self, model: str, count: int, folder: Path, timeout: float, advice: str, machines: int) -> None:
        super().__init__(model, count, folder, timeout, advice)
        if count % machines:
            raise UserError(f"--machines: {machines} cannot share {count} processes equally; choose a divisor.")
        if shutil.which("srun") is None or "SLURM_JOB_ID" not in os.environ:
            raise UserError(
                f"--machines: to reach {machines} machines takes a job of Slurm and its srun, and this is none; run with "
                "`--profile cluster`, or in a job that you have submitted."
            )
        self.machines = machines

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the ranks; each learns its number from Slurm."""
        with socket.socket() as free:
            free.bind(("", 0))
            port = free.getsockname()[1]
        shared = {"MASTER_ADDR": socket.gethostname(), "MASTER_PORT": str(port), FOLDER: str(self.folder)}
        each = self.count // self.machines
        steps = ["srun", "--overlap", f"--wait={LAST}", "--cpu-bind=none", "--mem=0"]
        steps += [f"--nodes={self.machines}", f"--ntasks={self.count}", f"--ntasks-per-node={each}"]
        steps += [f"--cpus-per-task={environment['OMP_NUM_THREADS']}"]
        self.processes = [
            subprocess.Popen(
                [*steps, *command],
                stdin=subprocess.PIPE,
                stdout=sys.stderr,
                env={**environment, **shared},
                start_new_session=True,
            )
        ]

    def end(self) -> None:
        """End what still runs: without input the ranks end, and `srun` with them."""
        for process in self.processes:
            if process.stdin is not None and not process.stdin.closed:
                process.stdin.close()
        self._wait(GRACE)
        super().end()

    def _died(self, first: Sequence[int | None]) -> UserError:
        """Return the error for ranks of which one died: Slurm says which, in the lines that it has written."""
        notes = [read_note(self.folder, rank) for rank in range(self.count)]
        behind = min(range(self.count), key=lambda rank: notes[rank].number)
        return UserError(
            f"Training of {self.model} stopped: srun ended with exit code {first[0]}; rank {behind} had come least far "
            f"({notes[behind].words}), and the lines above tell why: {AGAIN}."
        )


def take_rank_from_slurm(environment: MutableMapping[str, str]) -> None:
    """Tell a rank that `srun` has started its numbers as those that we start ourselves are told."""
    if FOLDER not in environment or "RANK" in environment:
        return
    names = {"RANK": "SLURM_PROCID", "LOCAL_RANK": "SLURM_LOCALID", "WORLD_SIZE": "SLURM_NTASKS"}
    environment.update({name: environment[slurm] for name, slurm in names.items()})
