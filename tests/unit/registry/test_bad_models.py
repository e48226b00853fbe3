"""Faults of tokenizers, models, tasks and evaluations are one sentence that names the key, before anything runs."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from scripts.registry.config import complete_config
from tests.unit.registry.good_config import GOOD, Edit, put, require_one_sentence

TRAINING, SHAPE = "models.tiny.training", "models.tiny.architecture"


def make_masked(config: dict[str, Any]) -> None:
    config["models"]["tiny"]["objective"] = "masked"
    config["models"]["tiny"]["architecture"]["family"] = "bert"


def ask_masked_for_text(config: dict[str, Any]) -> None:
    make_masked(config)
    config["finetunings"] = {}
    config["evaluation"]["zero_shot"] = ["phrases"]


def branch(change: Edit | None = None, step: int = 100, model: str = "tiny") -> Edit:
    """Add a model that starts from a step of another one and differs from it in what is changed."""

    def edit(config: dict[str, Any]) -> None:
        config["models"]["twig"] = copy.deepcopy(config["models"]["tiny"])
        config["models"]["twig"]["from"] = {"model": model, "step": step}
        config["tokenizers"]["other"] = {"corpus": "main", "vocabulary": 2000}
        if change is not None:
            change(config)

    return edit


BAD: list[tuple[Edit, str]] = [
    (put("tokenizers.small.corpus", "other"), r"tokenizers\.small\.corpus names 'other'"),
    (put("tokenizers.small.vocabulary", 10), r"vocabulary is 10, but it must be at least 300"),
    (put("tokenizers.small.algorithm", "wordpiece"), r"algorithm is 'wordpiece'; choose one of bpe"),
    (put("tokenizers.small.weights", {"other": 2}), r"tokenizers\.small\.weights names 'other', which is no source of"),
    (put("tokenizers.small.user_symbols", ["<pad>"]), r"user_symbols names '<pad>', which every tokenizer has already"),
    (
        put("tokenizers.small.user_symbols", ["<0x41>"]),
        r"user_symbols names '<0x41>', which every tokenizer has already",
    ),
    (
        put("tokenizers.small", {"corpus": "main", "vocabulary": 300, "user_symbols": [f"<{n}>" for n in range(31)]}),
        r"tokenizers\.small\.vocabulary is 300, but special tokens, bytes and user_symbols take 300 pieces; raise it",
    ),
    (put("tokenizers.small.character_coverage", 0.9), r"character_coverage is 0\.9, but it must be at least 0\.98"),
    (put("tokenizers.small.user_symbols", ["a b"]), r"user_symbols names 'a b' with white space"),
    (put("tokenizers.small.user_symbols", ["\u2581"]), r"user_symbols names .* with white space, U\+2581"),
    (
        put("tokenizers.small", {"corpus": "main", "vocabulary": 999, "algorithm": "unigram", "user_symbols": ["<u>"]}),
        r"user_symbols are weighed against other pieces by the algorithm unigram",
    ),
    (branch(model="oak"), r"models\.twig\.from\.model names 'oak', which is not under models"),
    (branch(model="twig"), r"models\.twig\.from goes round in a circle \(twig -> twig\)"),
    (branch(put("models.tiny.from", {"model": "twig", "step": 100})), r"in a circle \(tiny -> twig -> tiny\)"),
    (branch(step=0), r"models\.twig\.from\.step is 0, but it must be at least 1"),
    (branch(step=101), r"models\.twig\.from\.step is 101, but 'tiny' has 100 steps"),
    (branch(put(f"{TRAINING}.checkpoint_every", 40), step=50), r"from\.step is 50, which 'tiny' does not keep"),
    (branch(put("models.twig.tokenizer", "other")), r"models\.twig\.tokenizer is 'other', but 'tiny'.* has 'small'"),
    (branch(put("models.twig.architecture.width", 32)), r"models\.twig\.architecture\.width is 32, but 'tiny'"),
    (
        branch(put("models.twig.training.optimizer", {"name": "muon", "learning_rate": 1e-3})),
        r"models\.twig\.training\.optimizer\.name is 'muon', but 'tiny'.* has 'adamw'",
    ),
    (put("models.tiny.from", {"model": "tiny"}), r"models\.tiny\.from lacks the key 'step'"),
    (put("models.tiny.tokenizer", "large"), r"models\.tiny\.tokenizer names 'large'"),
    (put("models.tiny.weights", {"one": -1}), r"models\.tiny\.weights\.one is -1, but it must be above 0"),
    (put("models.tiny.weights", {"three": 1}), r"weights names 'three', which is no source"),
    (put("models.tiny.epoch_caps", {"three": 1}), r"epoch_caps names 'three', which is no source"),
    (put("models.tiny.epoch_caps", {"one": 0}), r"epoch_caps\.one is 0, but it must be above 0"),
    (put("models.tiny.temperature", 0), r"temperature is 0, but it must be at least 0\.1"),
    (put("models.tiny.temperature", 1e-9), r"temperature is 1e-09, but it must be at least 0\.1"),
    (put("models.tiny.token_budget", 0), r"token_budget is 0, but it must be at least 1"),
    (put(f"{SHAPE}.heads", 5), r"heads.* 5 does not divide the width 64"),
    (put(f"{SHAPE}.key_value_heads", 3), r"key_value_heads.* 3 does not divide heads 4"),
    (put(f"{SHAPE}.dropout", 1), r"dropout is 1, but it must be below 1"),
    (put(f"{SHAPE}.family", "bert"), r"objective.*'masked'"),
    (put(f"{SHAPE}.family", "modernbert"), r"objective.*'masked'"),
    (put(f"{SHAPE}.output_projections", "none"), r"output_projections is 'none'; choose one of scaled, zero"),
    (put(f"{TRAINING}.schedule", {"warmup": 100}), r"warmup.* 100 steps do not fit into 100 steps"),
    (put(f"{TRAINING}.schedule", {"decay": "polynomial"}), r"decay is 'polynomial'; choose one of"),
    (put(f"{TRAINING}.schedule", {"decay": "exponential", "final": 0}), r"exponential decay never reaches 0"),
    (put(f"{TRAINING}.schedule", {"decay": "wsd", "cooldown": 0}), r"cooldown is 0, but it must be above 0"),
    (put(f"{TRAINING}.schedule_unit", "words"), r"schedule_unit is 'words'; choose one of steps, tokens"),
    (put(f"{TRAINING}.optimizer.rates", {"biases": 2}), r"rates"),
    (put(f"{TRAINING}.label_smoothing", 1), r"label_smoothing is 1, but it must be below 1"),
    (put(f"{TRAINING}.sequence_length", 256), r"256 exceeds the context of 128"),
    (put(f"{TRAINING}.spikes", {"action": "stop"}), r"spikes\.action is 'stop'; choose one of skip, rollback"),
    (put(f"{TRAINING}.spikes", {"window": 10}), r"spikes"),
    (put(f"{TRAINING}.average", {"kind": "ema", "decay": 1}), r"average.*"),
    (put(f"{TRAINING}.batch_warmup", {"from": 3, "over": 9}), r"batch_warmup\.from: 3 sequences never double to .* 8"),
    (put(f"{TRAINING}.batch_warmup", {"from": 4, "over": 99}), r"batch_warmup\.over: the whole batch comes after 100"),
    (put(f"{TRAINING}.batch_warmup", {"from": 4}), r"batch_warmup"),
    (put(f"{TRAINING}.steps", 0), r"steps is 0, but it must be at least 1"),
    (put(f"{TRAINING}.optimizer.learning_rate", "fast"), r"learning_rate is 'fast', but it must be of type number"),
    (put(f"{TRAINING}.precision", "fp8"), r"precision is 'fp8'; choose one of"),
    (put("tasks.quiz.files", []), r"tasks\.quiz\.files is \[\], but it must be of length at least 1"),
    (put("tasks.pairs.files", [{"path": "a.txt"}]), r"tasks\.pairs is generated, so it takes no files"),
    (put("tasks.quiz.files", [{"path": "a.txt"}]), r"zero_shot names 'quiz', none of whose files is a development set"),
    (
        put("tasks.quiz.files", [{"path": "https://hub.example/train.jsonl?x=1"}]),
        r"none of whose files is a development",
    ),
    (put("evaluation.zero_shot", ["exam"]), r"evaluation\.zero_shot names 'exam', which is not under tasks"),
    (ask_masked_for_text, r"evaluation\.zero_shot names 'phrases'.*the masked model 'tiny' cannot write"),
    (put("finetunings.mixed.models", ["huge"]), r"finetunings\.mixed\.models names 'huge', which is not under models"),
    (put("finetunings.mixed.tasks", {"exam": 1}), r"finetunings\.mixed\.tasks names 'exam', which is not under tasks"),
    (put("finetunings.mixed.tasks", {"pairs": 1}), r"names 'pairs', a set of kind minimal_pairs that only tests"),
    (put("finetunings.mixed.tasks", {"quiz": 0}), r"finetunings\.mixed\.tasks\.quiz is 0, but it must be above 0"),
    (make_masked, r"finetunings\.mixed\.models names 'tiny', a masked model, which cannot write"),
    (put("finetunings.mixed.training.schedule", {"warmup": 10}), r"warmup.* 10 steps do not fit into 10 steps"),
    (put("finetunings.mixed.minimum_improvement", 1), r"minimum_improvement is 1, but it must be below 1"),
]


@pytest.mark.parametrize(("edit", "sentence"), BAD, ids=[sentence for _, sentence in BAD])
def test_a_fault_is_one_sentence(edit: Edit, sentence: str, folder: Path) -> None:
    require_one_sentence(edit, sentence, folder)


def test_numbers_that_yaml_reads_as_text_are_numbers(folder: Path) -> None:
    config = copy.deepcopy(GOOD)
    config["models"]["tiny"]["training"]["optimizer"]["learning_rate"] = "1e-4"
    assert complete_config(config, folder)["models"]["tiny"]["training"]["optimizer"]["learning_rate"] == 1e-4
