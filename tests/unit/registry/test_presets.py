"""Every configuration that we ship is right, fits on the devices that it names, and plans."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.registry import forecast
from scripts.registry.config import complete_config, read_yaml
from tests.workflow.harness import ROOT, would_run, write_config

PRESETS = sorted((ROOT / "presets").glob("*.yaml"))
COMMAND = re.compile(r"^#   python -m scripts\.registry\.forecast (presets/.*)$", re.M)
RUN = re.compile(r"`(snakemake (?:--profile (\S+) )?--configfile presets/[^`]*?--set-resources [^`]*)`")
# What a rule is given, and what the forecast calls it.
NAMED = {
    "processes": "devices",
    "tensor_parallel": "tensor",
    "pipeline_parallel": "pipeline",
    "sequence_parallel": "sequence",
}
FORECAST = ("device", "devices", "zero_stage", "tensor", "pipeline", "sequence", "checkpointing", "micro_batch_tokens")
PARTS = 2  # of a source in the dry run: its jobs are alike, and a thousand parts take half a minute
WANTED = {
    "gpt2-124m",
    "bert-base",
    "llama-350m",
    "llama-1b",
    "llama-7b",
    "llama-70b",
    "data-ablation",
    "trunk-two-anneals",
}


def commands(preset: Path) -> list[list[str]]:
    """The forecasts that a preset's head shows, as arguments."""
    return [found.split() for found in COMMAND.findall(preset.read_text("utf-8"))]


def runs(preset: Path) -> list[list[str]]:
    """The runs that a preset's head shows, as arguments of the forecast that the rule makes in them."""
    found = []
    for words, profile in RUN.findall(preset.read_text("utf-8").replace("\n#", "")):
        given = dict(re.findall(r"\bpretrain:(\w+)=(\w+)", words))
        if profile:
            stated = yaml.safe_load((ROOT / "profiles" / profile / "profile.yaml").read_text("utf-8"))
            given = {**stated["set-resources"]["pretrain"], **given}
        options = {NAMED.get(name, name): str(value) for name, value in given.items()}
        pairs = (("--" + name.replace("_", "-"), options[name]) for name in FORECAST if name in options)
        found.append([word for pair in pairs for word in pair])
    return found


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_a_preset_plans_every_step(preset: Path, tmp_path: Path) -> None:
    config = complete_config(read_yaml(preset), tmp_path)
    small: dict[str, Any] = yaml.safe_load(preset.read_text("utf-8"))
    for source in small["sources"].values():
        if source.get("parts", 1) > PARTS:
            source["parts"] = PARTS
    write_config(tmp_path, small)
    planned = would_run(ROOT, tmp_path)
    assert planned["pretrain"] == len(config["models"])
    assert planned["branch_point"] == len(
        {tuple(one["from"].values()) for one in config["models"].values() if one["from"]}
    )
    assert planned["finetune"] == sum(len(one["models"]) for one in config["finetunings"].values())


@pytest.mark.parametrize("preset", [one for one in PRESETS if commands(one)], ids=lambda path: path.stem)
def test_the_layouts_of_a_preset_fit(preset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path, *options in commands(preset):
        assert ROOT / path == preset
        require_fits(preset, options, capsys)


@pytest.mark.parametrize("preset", [one for one in PRESETS if commands(one)], ids=lambda path: path.stem)
def test_the_runs_of_a_preset_are_layouts_that_it_forecasts(preset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forecast_here = {require_fits(preset, options, capsys) for _, *options in commands(preset)}
    assert runs(preset)
    for options in runs(preset):
        assert require_fits(preset, options, capsys) in forecast_here, options


def require_fits(preset: Path, options: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[str, ...]:
    """Return the layouts of a forecast, one of a model, all of which fit."""
    code = forecast.main([str(preset), *options])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "GB usable a device" in printed.out
    return tuple(re.findall(r"^  layout  (.*)$", printed.out, re.M))


def test_there_are_presets() -> None:
    assert {path.stem for path in PRESETS} >= WANTED
    assert all(commands(ROOT / "presets" / f"{name}.yaml") for name in WANTED)


def test_the_models_of_an_ablation_differ_in_their_corpus_alone(tmp_path: Path) -> None:
    first, second = complete_config(read_yaml(ROOT / "presets" / "data-ablation.yaml"), tmp_path)["models"].values()
    assert {key for key in first if first[key] != second[key]} == {"corpus"}
