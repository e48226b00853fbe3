"""Kill runs at random moments, run them again, and compare with what an undisturbed run makes."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.test_chain import chain_config, lay_out_moods
from tests.making import arguments
from tests.unit.finetuning.test_finetuning import settings
from tests.unit.finetuning.tiny import make_model, make_tasks
from tests.unit.pretraining import tiny
from tests.workflow.conftest import Run, lay_out_text
from tests.workflow.harness import command, copy_project, environment, run, write_config

ATTEMPTS = 5  # of continuing: an orphan that still writes refuses a second writer until it is done
LAYOUTS: list[tuple[str, int, tuple[str, ...]]] = [
    ("llama", 0, ("data",)),
    ("llama", 1, ("data",)),
    ("llama", 2, ("data",)),
    ("llama", 3, ("data",)),
    ("gpt2", 0, ("data",)),
    ("bert", 0, ("data",)),
    ("llama", 1, ("tensor",)),
    ("gpt2", 1, ("pipeline",)),
    ("llama", 2, ("sequence",)),
    ("llama", 1, ("tensor", "pipeline")),
    ("llama", 1, ("data", "tensor", "pipeline")),
]
STEPS, FINETUNING_STEPS = 60, 400
EVERY = tiny.settings()["training"]["checkpoint_every"]
CLOSE = 1e-5  # between losses of two layouts


@dataclass(frozen=True)
class Kill:
    """One disturbed run: what was killed, when (seconds), how it went on, and whether its bytes are right.

    A training that silently began anew would end with the same bytes, so it is wrong when it went on from an older
    checkpoint than it had.
    """

    what: str
    after: float
    doing: str
    went_on: str
    equal: bool


def kill(pid: int, everything: bool) -> None:
    """Kill a process by SIGKILL, alone or with all below it."""
    below = list(tiny.descendants(pid)) if everything else []
    for one in [pid, *below]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def fresh(folder: Path) -> Run:
    """Lay out the chain of the end-to-end tests: two sources to a fine-tuned, scored model."""
    made = Run(copy_project(folder / "project"), folder / "work")
    write_config(made.workdir, chain_config())
    lay_out_text(made.workdir)
    lay_out_moods(made.workdir)
    return made


def running_rules(workdir: Path) -> str:
    """Return the programs that run in a folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").resolve() == workdir.resolve():
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                found |= {word.removeprefix("scripts.") for word in words if word.startswith("scripts.")}
    return ", ".join(sorted(found)) or "planning"


def workflow_kills(folder: Path, count: int, seed: int) -> Iterator[Kill]:
    """Kill Snakemake at random moments of a whole run, alone (its jobs live on) or with its jobs."""
    clean = fresh(folder / "clean")
    started = time.monotonic()
    run(clean.project, clean.workdir)
    duration, expected = time.monotonic() - started, clean.with_report()
    draw = random.Random(seed)
    for number in range(count):
        target = fresh(folder / f"killed-{number}")
        after, everything = draw.uniform(2, duration), bool(number % 2)
        process = subprocess.Popen(
            command(target.project, target.workdir),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            cwd=target.workdir,
        )
        time.sleep(after)
        doing = running_rules(target.workdir)
        kill(process.pid, everything)
        process.wait()
        runs = continue_until_done(target)
        what = "Snakemake and its jobs" if everything else "Snakemake alone"
        right = runs <= ATTEMPTS and target.with_report() == expected
        yield Kill(what, after, doing, f"in run {runs + 1}", right)


def continue_until_done(target: Run) -> int:
    """Unlock and run until a run ends well; returns how many runs that took (ATTEMPTS + 1 when none did)."""
    for attempt in range(1, ATTEMPTS + 1):
        run(target.project, target.workdir, "--unlock", check=False)
        if run(target.project, target.workdir, check=False).returncode == 0:
            return attempt
        time.sleep(5)
    return ATTEMPTS + 1


def training_kills(
    folder: Path, count: int, seed: int, layouts: Sequence[tuple[str, int, tuple[str, ...]]] = LAYOUTS
) -> Iterator[tuple[str, Kill]]:
    """Kill all processes of a pretraining, after random steps, for every layout.

    A layout is family, ZeRO stage and what each two of the processes share: micro-batches (data), matrices (tensor), layers
    (pipeline) or the tokens of sequences (sequence).
    """
    inputs = tiny.Inputs(folder / "inputs")
    draw = random.Random(seed)
    for family, stage, shared in layouts:
        label = f"pretraining, {family}, ZeRO {stage}, {' x '.join(f'{way} 2' for way in shared)}"
        chosen = tiny.settings(family, steps=STEPS, dropout=0.1)
        options = ["--processes", str(2 ** len(shared)), "--micro-batch", "2", "--zero-stage", str(stage)]
        options += [word for way in shared if way != "data" for word in (f"--{way}", "2")]
        place = folder / f"{family}-{stage}-{'-'.join(shared)}"
        place.mkdir()
        tiny.run(tiny.command(inputs, place / "clean", chosen, *options), place / "clean.log")
        expected = (place / "clean/models/tiny/model.json").read_bytes()
        for number in range(count):
            name, log = f"killed-{number}", place / f"killed-{number}.log"
            words = tiny.command(inputs, place / name, chosen, *options)
            started = time.monotonic()
            reached = kill_after_step(tiny.start(words, log), log, draw.randrange(1, STEPS))
            after = time.monotonic() - started
            time.sleep(0.5)
            # That of the last step may not have been begun yet, and the one before may still have been written.
            least = (reached - 1) // EVERY * EVERY - EVERY
            newest = max([least, *saved_steps(place / name)])
            again = tiny.run(words, place / f"{name}-again.log")
            equal = (place / name / "models/tiny/model.json").read_bytes() == expected
            yield label, training_kill(after, reached, STEPS, newest, again, equal)


def layout_changes(folder: Path, count: int, seed: int) -> Iterator[tuple[str, Kill]]:
    """Kill a pretraining at a random layout after a random step, and go on at another one: losses have to be within 1e-5."""
    inputs, chosen = tiny.Inputs(folder / "inputs"), tiny.settings(steps=STEPS)
    tiny.run(tiny.command(inputs, folder / "clean", chosen), folder / "clean.log")
    expected = losses_in(folder / "clean")
    draw = random.Random(seed)
    for number in range(count):
        layouts = draw.sample([(processes, stage) for processes in (1, 2) for stage in range(4)], 2)
        first, second = (
            tiny.command(
                inputs, folder / str(number), chosen, "--processes", str(processes), "--zero-stage", str(stage)
            )
            for processes, stage in layouts
        )
        log, started = folder / f"{number}.log", time.monotonic()
        reached = kill_after_step(tiny.start(first, log), log, draw.randrange(2 * EVERY, STEPS))
        after = time.monotonic() - started
        time.sleep(0.5)
        newest = max(saved_steps(folder / str(number)), default=0)
        again = tiny.run(second, folder / f"{number}-again.log")
        close = max(abs(a - b) for a, b in zip(losses_in(folder / str(number)), expected, strict=True)) <= CLOSE
        label = "pretraining, " + " to ".join(f"{processes} x ZeRO {stage}" for processes, stage in layouts)
        yield label, training_kill(after, reached, STEPS, newest, again, close)


def losses_in(results: Path) -> list[float]:
    """Return the losses of the steps of a finished training."""
    rows = map(json.loads, (results / "models/tiny/metrics.jsonl").read_text("utf-8").splitlines())
    return [row["loss"] for row in rows if "loss" in row]


def saved_steps(results: Path) -> list[int]:
    """Return the steps of the whole checkpoints that a killed training left."""
    return [int(path.name.removeprefix("step-")) for path in results.glob("checkpoints/*/step-*")]


def training_kill(after: float, reached: int, steps: int, newest: int, log: str, equal: bool) -> Kill:
    """Return what became of a training that was killed after `reached` steps and left a checkpoint of step `newest`."""
    found = re.search(r"resuming after step (\d+)", log)
    went_on = int(found[1]) if found else 0
    doing = f"step {reached} of {steps}"
    return Kill("all processes", after, doing, f"after step {went_on}", equal and went_on >= newest)


def kill_after_step(process: subprocess.Popen[bytes], log: Path, step: int) -> int:
    """Kill a training with all below it as soon as its log shows a step; returns the last step that it shows."""
    while step > last_step(log):
        assert process.poll() is None, (
            f"it ended before step {step}: {log.read_text('utf-8', errors='replace')[-2000:]}"
        )
        time.sleep(0.002)
    kill(process.pid, True)
    process.wait()
    return last_step(log)


def last_step(log: Path) -> int:
    """Return the last step that a log shows, 0 for none."""
    lines = log.read_text("utf-8", errors="replace").splitlines()
    return max((int(line.split()[1]) for line in lines if re.match(r"step \d+ of", line)), default=0)


def finetuning_kills(folder: Path, count: int, seed: int) -> Iterator[Kill]:
    """Kill a fine-tuning after random steps."""
    model, tasks = make_model(folder, "llama", 0.1), make_tasks(folder)
    chosen = settings()
    chosen["training"] |= {"steps": FINETUNING_STEPS, "evaluate_every": 100, "checkpoint_every": 25}
    draw = random.Random(seed)

    def command_line(name: str) -> list[str]:
        manifest = folder / name / "model.json"
        words = arguments(
            chosen,
            model=model,
            tasks=list(tasks.values()),
            checkpoints=folder / name / "checkpoints",
            manifest=manifest,
        )
        return [sys.executable, "-m", "scripts.finetuning.train", *words]

    def begin(name: str) -> subprocess.Popen[bytes]:
        (folder / name).mkdir(exist_ok=True)
        with (folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command_line(name), cwd=tiny.ROOT, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
            )

    assert begin("clean").wait() == 0, (folder / "clean.log").read_text("utf-8")[-2000:]
    expected = (folder / "clean/model.json").read_bytes()
    for number in range(count):
        name, log = f"killed-{number}", folder / f"killed-{number}.log"
        started = time.monotonic()
        reached = kill_after_step(begin(name), log, draw.randrange(1, FINETUNING_STEPS))
        after = time.monotonic() - started
        assert begin(name).wait() == 0, log.read_text("utf-8")[-2000:]
        every, text = chosen["training"]["checkpoint_every"], log.read_text("utf-8")
        equal = (folder / name / "model.json").read_bytes() == expected
        newest = (reached - 1) // every * every  # that of the last step may not have been whole yet
        yield training_kill(after, reached, FINETUNING_STEPS, newest, text, equal)
