"""Fine-tuning lowers every dev loss, goes on after a kill to the same weights, and mixes tasks as it says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scripts.evaluation import score_task
from scripts.finetuning import train
from scripts.finetuning.data import ItemOrder
from scripts.finetuning.trainer import Trainer
from scripts.lib.manifest import load_manifest
from scripts.tasks.prepare import ITEM_SCHEMA
from tests.making import arguments, publish_rows
from tests.unit.finetuning.tiny import add_splits, make_model, make_tasks
from tests.unit.pretraining.tiny import publish


def settings(objective: str = "causal", tasks: tuple[str, ...] = ("next", "parity"), **other: Any) -> dict[str, Any]:
    return {
        "model": "tiny",
        "finetuning": "mixed",
        "objective": objective,
        "seed": 4,
        "tasks": {name: 1 for name in tasks},
        "minimum_improvement": 0.1,
        "training": {
            "steps": 40,
            "batch": 8,
            "gradient_clipping": 1,
            "evaluate_every": 20,
            "validation_items": 10,
            "checkpoint_every": 10,
            "optimizer": {"learning_rate": 0.01, "betas": [0.9, 0.95], "epsilon": 1e-8, "weight_decay": 0.1},
            "schedule": {"decay": "linear", "warmup": 4, "final": 0.1},
        },
    } | other


class Inputs:
    def __init__(self, folder: Path, family: str, dropout: float = 0.1) -> None:
        self.folder, self.model, self.tasks = folder, make_model(folder, family, dropout), make_tasks(folder)

    def command(self, chosen: dict[str, Any], run: str) -> list[str]:
        return arguments(
            chosen,
            model=self.model,
            tasks=[self.tasks[name] for name in chosen["tasks"]],
            checkpoints=self.folder / run / "checkpoints",
            manifest=self.manifest(run),
        )

    def manifest(self, run: str) -> Path:
        return self.folder / run / "model.json"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return Inputs(tmp_path_factory.mktemp("causal"), "llama")


@pytest.fixture(scope="module")
def finished(inputs: Inputs) -> dict[str, Any]:
    assert train.main(inputs.command(settings(), "clean")) == 0
    return load_manifest(inputs.manifest("clean"))


def test_every_dev_loss_falls(finished: dict[str, Any]) -> None:
    assert set(finished["summary"]["dev"]) == {"next", "parity"}
    for one in finished["summary"]["dev"].values():
        assert one["after"] < 0.8 * one["before"]
        assert one["items"] == 10
    assert finished["summary"]["too_long"] == {"next": 0, "parity": 0}
    assert finished["summary"]["epochs"] == pytest.approx({"next": 40 * 4 / 36, "parity": 40 * 4 / 36}, abs=0.1)


def test_a_stopped_run_goes_on_to_the_same_weights(
    inputs: Inputs, finished: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    save = Trainer._save

    def stop(trainer: Trainer, done: int) -> None:
        save(trainer, done)
        if done == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_save", stop)
    with pytest.raises(KeyboardInterrupt):
        train.main(inputs.command(settings(), "stopped"))
    assert not inputs.manifest("stopped").exists()
    monkeypatch.setattr(Trainer, "_save", save)
    assert train.main(inputs.command(settings(), "stopped")) == 0
    assert load_manifest(inputs.manifest("stopped")) == finished


def test_a_finished_recipe_is_published_again_without_training(
    inputs: Inputs, finished: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "run", lambda _: pytest.fail("it trained again"))
    assert train.main(inputs.command(settings(), "clean")) == 0
    assert load_manifest(inputs.manifest("clean")) == finished


def test_a_masked_model_learns_to_choose(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path, "bert", dropout=0.0)
    assert train.main(inputs.command(settings("masked", ("parity",)), "run")) == 0
    one = load_manifest(inputs.manifest("run"))["summary"]["dev"]["parity"]
    assert one["after"] < 0.5 * one["before"]


def test_a_dev_loss_that_does_not_fall_fails(inputs: Inputs, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = settings()
    chosen["training"]["optimizer"]["learning_rate"] = 1e-9
    assert train.main(inputs.command(chosen, "idle")) == 1
    assert "less than the 10% below that is asked for" in capsys.readouterr().err
    assert train.main(inputs.command(chosen | {"minimum_improvement": None}, "idle")) == 0


def test_another_gate_judges_what_was_trained_and_trains_nothing(
    inputs: Inputs, finished: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Trainer, "_train_step", lambda *_: pytest.fail("it trained again"))
    assert train.main(inputs.command(settings() | {"minimum_improvement": 0.2}, "clean")) == 0
    assert load_manifest(inputs.manifest("clean")) == finished
    assert train.main(inputs.command(settings() | {"minimum_improvement": 0.999}, "clean")) == 1
    assert "less than the 100% below that is asked for" in capsys.readouterr().err
    assert not inputs.manifest("clean").exists()
    assert train.main(inputs.command(settings(), "clean")) == 0


def test_what_a_gate_refused_is_not_trained_again(inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings(tasks=("parity",))
    assert train.main(inputs.command(chosen | {"minimum_improvement": 0.999}, "refused")) == 1
    monkeypatch.setattr(Trainer, "_train_step", lambda *_: pytest.fail("it trained again"))
    assert train.main(inputs.command(chosen, "refused")) == 0


def test_the_mixture_is_kept_and_every_item_comes_once_in_an_epoch() -> None:
    items = {"a": [{"id": f"a{n}"} for n in range(30)], "b": [{"id": f"b{n}"} for n in range(7)]}
    order = ItemOrder(items, {"a": 3, "b": 1}, 8, 1)
    seen = Counter((name, item["id"]) for step in range(5) for name, item in order.batch(step))
    assert sum(count for (name, _), count in seen.items() if name == "a") == 30
    assert set(seen.values()) >= {1} and all(seen["a", f"a{n}"] == 1 for n in range(30))
    assert order.batch(3) == ItemOrder(items, {"a": 3, "b": 1}, 8, 1).batch(3)


@pytest.mark.parametrize(("task", "kind", "name"), [("parity", "boolq", "accuracy"), ("next", "translation", "chrF")])
def test_what_was_learned_shows_in_the_score(
    task: str, kind: str, name: str, inputs: Inputs, finished: dict[str, Any], tmp_path: Path
) -> None:
    scores = {}
    for label, model in (("before", inputs.model), ("after", inputs.manifest("clean"))):
        chosen = {
            "model": "tiny",
            "finetuning": None,
            "objective": "causal",
            "task": task,
            "kind": kind,
            "items": 50,
            "seed": 1,
        }
        manifest = tmp_path / label / f"{task}.json"
        assert score_task.main(arguments(chosen, model=model, task=inputs.tasks[task], manifest=manifest)) == 0
        summary = load_manifest(manifest)["summary"]
        assert summary["split"] == "test" and summary["items"] == 12
        scores[label] = next(one for one in summary["measures"] if one["name"] == name)
        assert scores[label]["low"] <= scores[label]["score"] <= scores[label]["high"]
        json.dumps(summary, allow_nan=False)
    assert scores["after"]["score"] > scores["before"]["score"]
    assert scores["after"]["baseline_name"] == ("majority class" if kind == "boolq" else "copy of the source")


def test_an_export_with_another_tokenizer_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also one of as many words, whose manifest has the digests of what lies there."""
    inputs = Inputs(tmp_path, "llama")
    path = inputs.model.parent / "export" / "tokenizer.json"
    path.write_text(path.read_text("utf-8").replace("w00", "zz"), encoding="utf-8")
    publish(inputs.model.with_name("export.json")).replace(inputs.model)
    assert train.main(inputs.command(settings(), "run")) == 1
    sentence = f"error: {path} is not the tokenizer that the model was trained with"
    assert sentence in capsys.readouterr().err
    task = {"task": "next", "kind": "translation", "items": 50, "finetuning": None}
    chosen = {"model": "tiny", "objective": "causal", "seed": 1} | task
    manifest = tmp_path / "next.json"
    assert score_task.main(arguments(chosen, model=inputs.model, task=inputs.tasks["next"], manifest=manifest)) == 1
    assert sentence in capsys.readouterr().err


def test_answers_that_do_not_fit_are_left_out_and_counted(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path, "llama")
    rows = pq.read_table(inputs.tasks["next"].with_name("items.parquet")).to_pylist()
    rows[0]["target"] = " w01" * 40
    add_splits(publish_rows(inputs.tasks["next"], rows, ITEM_SCHEMA), {"train": 36, "dev": 12, "test": 12})
    chosen = settings()
    chosen["training"]["steps"] = 10
    assert train.main(inputs.command(chosen | {"minimum_improvement": None}, "run")) == 0
    summary = load_manifest(inputs.manifest("run"))["summary"]
    assert (summary["too_long"], summary["train"]) == ({"next": 1, "parity": 0}, {"next": 35, "parity": 36})
