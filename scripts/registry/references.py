"""Checks across fields of a configuration that a schema cannot make; each is one sentence."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.finetuning import recipe as finetuning_recipe
from scripts.lib.errors import UserError
from scripts.lib.pieces import BYTE, SPACE
from scripts.lib.special_tokens import SPECIAL_COUNT, SPECIAL_TOKENS
from scripts.pretraining.recipe import Recipe
from scripts.registry.branches import check_branch
from scripts.registry.filtering import check_filters, check_lexicon
from scripts.sources.addresses import NESTED, WEB, check_scheme, is_glob, scheme, shown
from scripts.sources.kinds import check_reader_options
from scripts.sources.local import dataset_builder, local_folder
from scripts.sources.packages import parse_package
from scripts.tasks.item import DEVELOPMENT, is_development

ORIGINS = {"crawl": "common_crawl", "dump": "wikipedia", "dataset": "huggingface"}  # and the kind that has them
GENERATED = "minimal_pairs"  # the kind of task that needs no files
WITHOUT_ANSWERS = {"stereoset", GENERATED}  # kinds of task that nothing can be trained on
WRITTEN = {"translation"}  # kinds whose answers are texts, which masked models do not write
BYTES = 256  # pieces that spell what has none of its own


def check_references(config: Mapping[str, Any], folder: Path) -> None:
    """Raise UserError for the first name that refers to nothing or value that contradicts another."""
    _names_differ(config)
    for name, source in config["sources"].items():
        _check_source(name, source, folder)
    for name, task in config["tasks"].items():
        _check_task(name, task, folder)
    for name, lexicon in config["lexicons"].items():
        check_lexicon(f"lexicons.{name}", lexicon, folder)
    for name, corpus in config["corpora"].items():
        _check_corpus(name, corpus, config, folder)
    for name, tokenizer in config["tokenizers"].items():
        _check_tokenizer(f"tokenizers.{name}", tokenizer, config)
    for name, model in config["models"].items():
        _check_model(name, model, config)
    for name in config["models"]:
        check_branch(name, config["models"])
    for name, classifier in config["classifiers"].items():
        _check_classifier(f"classifiers.{name}", classifier, config)
    for name, corpus in config["corpora"].items():
        _check_quality(f"corpora.{name}.filters.quality", corpus, config)
    for task in config["evaluation"]["zero_shot"]:
        _refer("evaluation.zero_shot", task, config["tasks"], "tasks")
        _require_held_out("evaluation.zero_shot", task, config["tasks"][task])
        masked = [name for name, model in config["models"].items() if model["objective"] == "masked"]
        if masked and config["tasks"][task]["kind"] in WRITTEN:
            raise UserError(
                f"evaluation.zero_shot names {task!r}, which asks for texts that the masked model {masked[0]!r} cannot write; "
                "remove the task."
            )
    for name, finetuning in config["finetunings"].items():
        _check_finetuning(name, finetuning, config)


def _refer(key: str, name: str, known: Mapping[str, Any], section: str) -> None:
    if name not in known:
        have = ", ".join(known) or "none"
        raise UserError(f"{key} names {name!r}, which is not under {section} (there: {have}); correct or add it.")


def _names_differ(config: Mapping[str, Any]) -> None:
    """One name for a source and a task would make two things read as one in every report."""
    for name in config["tasks"]:
        if name in config["sources"]:
            raise UserError(f"The name {name!r} stands under sources and under tasks; rename one of them.")


def _check_source(name: str, source: Mapping[str, Any], folder: Path) -> None:
    key = f"sources.{name}"
    _check_origin(key, source)
    _check_files(key, source, folder)
    several = any(glob.has_magic(entry["path"]) for entry in source["files"])
    if source["kind"] == "text" and not several and source["parts"] > len(source["files"]):
        raise UserError(
            f"{key}.parts is {source['parts']}, but it has {len(source['files'])} files, each of which is one document; lower it."
        )
    try:
        check_reader_options(source["kind"], source["options"])
    except UserError as error:
        raise UserError(f"{key}.{error}") from None


def _check_origin(key: str, source: Mapping[str, Any]) -> None:
    """A source has files, or the one thing that its kind can come from instead."""
    given = [name for name in ORIGINS if source[name] is not None]
    for name in given:
        if source["kind"] != ORIGINS[name]:
            raise UserError(f"{key}.{name} is for sources of kind {ORIGINS[name]}, not {source['kind']}; remove it.")
        if source["files"] or source["package"]:
            raise UserError(f"{key} has {name} and files or a package; remove one of them.")
    if not given and not source["files"]:
        raise UserError(f"{key}.files is [], but it must be of length at least 1.")
    if source["kind"] == "huggingface" and not given:
        raise UserError(f"{key} is of kind huggingface, so it needs a dataset and no files; add it or use kind jsonl.")
    for name in ("crawl", "dump"):
        if source[name] and scheme(source[name]["base"]):
            _check_address(f"{key}.{name}.base", source[name]["base"])
    crawl = source["crawl"]
    if crawl and crawl["files"] is not None and crawl["share"] is not None:
        raise UserError(f"{key}.crawl has files and share; remove one of them.")
    dataset = source["dataset"]
    if dataset and not dataset["revision"] and not Path(dataset["name"]).exists():
        raise UserError(
            f"{key}.dataset.revision is null, but {dataset['name']} is no local path, and a data set of the hub "
            "needs the 40 digits of a commit; add it."
        )
    if dataset and Path(dataset["name"]).is_file():
        try:
            dataset_builder(dataset["name"])
        except UserError as error:
            raise UserError(f"{key}.{error}") from None


def _check_task(name: str, task: Mapping[str, Any], folder: Path) -> None:
    key = f"tasks.{name}"
    generated = task["kind"] == GENERATED
    if generated and (task["files"] or task["package"]):
        raise UserError(f"{key} is generated, so it takes no files and no package; remove them.")
    if not generated and not task["files"]:
        raise UserError(f"{key}.files is [], but it must be of length at least 1.")
    _check_files(key, task, folder)


def _require_held_out(key: str, name: str, task: Mapping[str, Any]) -> None:
    """Raise UserError for a set without a file that can be held out, since models are scored last of all."""
    paths = [entry["path"] for entry in task["files"]]
    if task["kind"] == "boolq" and not any(
        (is_glob(path) and not scheme(path)) or is_development(path) for path in paths
    ):
        raise UserError(
            f"{key} names {name!r}, none of whose files is a development set (its name ends in {' or '.join(DEVELOPMENT)}), so "
            f"that nothing could be scored on it; add it to tasks.{name}.files."
        )


def _check_files(key: str, thing: Mapping[str, Any], folder: Path) -> None:
    if thing["package"] is not None:
        try:
            parse_package(thing["package"])
        except UserError as error:
            raise UserError(f"{key}.{error}") from None
    paths = [entry["path"] for entry in thing["files"]]
    for position, path in enumerate(paths):
        if path in paths[:position]:
            raise UserError(f"{key}.files lists {path} twice; remove one.")
        checksums = thing["files"][position]["checksums"]
        if thing["package"] is None and scheme(path):
            _check_address(f"{key}.files", path)
            if checksums:
                _check_address(f"{key}.files.{position}.checksums", checksums)
        elif checksums:
            raise UserError(f"{key}.files: checksums is for addresses, which {path} is not; remove it.")
        elif thing["package"] is None and local_folder(str(folder / path)) and thing["kind"] != "academic":
            raise UserError(
                f"{key}.files: {path} is a folder; name the files in it, for example {path.rstrip('/')}/**."
            )
        elif thing["package"] is None and not _exists(path, folder):
            raise UserError(f"{key}.files: there is no file {path} (looked in {folder}); correct the path.")


def _check_address(key: str, path: str) -> None:
    outer = path.partition(NESTED)[0]
    if is_glob(outer) and scheme(outer) in WEB and "?" not in outer:
        raise UserError(f"{key}: {shown(outer)} is an address, which cannot be a pattern; name each file.")
    try:
        check_scheme(outer)
    except UserError as error:
        raise UserError(f"{key}: {error}") from None


def _exists(path: str, folder: Path) -> bool:
    path = path.partition(NESTED)[0]
    if glob.has_magic(path):  # what is no file, such as a folder, is passed over where the files are read
        return any((folder / found).is_file() for found in glob.glob(path, root_dir=folder, recursive=True))
    return (folder / path).exists()


def _check_corpus(name: str, corpus: Mapping[str, Any], config: Mapping[str, Any], folder: Path) -> None:
    key = f"corpora.{name}"
    for source in corpus["sources"]:
        _refer(f"{key}.sources", source, config["sources"], "sources")
    for task in corpus["decontaminate"]["tasks"]:
        _refer(f"{key}.decontaminate.tasks", task, config["tasks"], "tasks")
    for lexicon in corpus["filters"]["lexicons"]:
        _refer(f"{key}.filters.lexicons", lexicon, config["lexicons"], "lexicons")
    check_filters(f"{key}.filters", corpus, folder)
    near, permutations = corpus["deduplicate"]["near"], config["signatures"]["permutations"]
    if near and near["bands"] * near["rows"] > permutations:
        raise UserError(
            f"{key}.deduplicate.near asks for {near['bands']} x {near['rows']} numbers, "
            f"but signatures.permutations is {permutations}; lower bands or rows."
        )
    if corpus["split"]["validation"] + corpus["split"]["test"] >= 1:
        raise UserError(f"{key}.split leaves nothing to train on; lower validation or test.")


def _check_finetuning(name: str, finetuning: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    key = f"finetunings.{name}"
    for task in finetuning["tasks"]:
        _refer(f"{key}.tasks", task, config["tasks"], "tasks")
        _require_held_out(f"{key}.tasks", task, config["tasks"][task])
        kind = config["tasks"][task]["kind"]
        if kind in WITHOUT_ANSWERS:
            raise UserError(f"{key}.tasks names {task!r}, a set of kind {kind} that only tests; remove it.")
    for model in finetuning["models"]:
        _refer(f"{key}.models", model, config["models"], "models")
        objective = config["models"][model]["objective"]
        written = [task for task in finetuning["tasks"] if config["tasks"][task]["kind"] in WRITTEN]
        if objective == "masked" and written:
            raise UserError(
                f"{key}.models names {model!r}, a masked model, which cannot write the texts that {written[0]!r} asks for; "
                "give it a fine-tuning of its own without that task."
            )
        settings = {**finetuning, "model": model, "finetuning": name, "seed": config["seed"], "objective": objective}
        try:
            finetuning_recipe.Recipe.from_settings(settings)
        except UserError as error:
            raise UserError(f"{key}.{error}") from None


def _check_tokenizer(key: str, tokenizer: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """An option that would let the ids of sentencepiece and of the Hugging Face form differ is refused."""
    _refer(f"{key}.corpus", tokenizer["corpus"], config["corpora"], "corpora")
    for source in tokenizer["weights"]:
        if source not in config["corpora"][tokenizer["corpus"]]["sources"]:
            raise UserError(
                f"{key}.weights names {source!r}, which is no source of corpus {tokenizer['corpus']!r}; remove it."
            )
    symbols = tokenizer["user_symbols"]
    if symbols and tokenizer["algorithm"] != "bpe":
        raise UserError(
            f"{key}.user_symbols are weighed against other pieces by the algorithm {tokenizer['algorithm']}, so that the ids of "
            "its two forms differ; use algorithm: bpe or remove them."
        )
    least = SPECIAL_COUNT + BYTES + len(symbols)
    if tokenizer["vocabulary"] <= least:
        raise UserError(
            f"{key}.vocabulary is {tokenizer['vocabulary']}, but special tokens, bytes and user_symbols take {least} pieces; "
            "raise it."
        )
    for symbol in symbols:
        if symbol in SPECIAL_TOKENS or BYTE.fullmatch(symbol):
            raise UserError(f"{key}.user_symbols names {symbol!r}, which every tokenizer has already; remove it.")
        if SPACE in symbol or any(character.isspace() or not character.isprintable() for character in symbol):
            raise UserError(
                f"{key}.user_symbols names {symbol!r} with white space, U+2581 or a character that is not printable, which the "
                "two forms of a tokenizer spell differently; choose another."
            )


def _check_model(name: str, model: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    key = f"models.{name}"
    _refer(f"{key}.corpus", model["corpus"], config["corpora"], "corpora")
    _refer(f"{key}.tokenizer", model["tokenizer"], config["tokenizers"], "tokenizers")
    for leaf in ("weights", "epoch_caps"):
        for source in model[leaf]:
            if source not in config["corpora"][model["corpus"]]["sources"]:
                raise UserError(
                    f"{key}.{leaf} names {source!r}, which is no source of corpus {model['corpus']!r}; remove it."
                )
    try:
        Recipe.from_settings({"model": name, "seed": config["seed"], **model})
    except UserError as error:
        text = str(error)
        raise UserError(text if text.startswith(key) else f"{key}.{text}") from None


def _check_classifier(key: str, classifier: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    for role in ("positive", "negative"):
        for source in classifier[role]:
            _refer(f"{key}.{role}", source, config["sources"], "sources")
    for source in classifier["positive"]:
        if source in classifier["negative"]:
            raise UserError(f"{key} has {source!r} under positive and under negative; remove it from one of them.")


def _check_quality(key: str, corpus: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    quality = corpus["filters"]["quality"]
    if quality is None:
        return
    _refer(f"{key}.classifier", quality["classifier"], config["classifiers"], "classifiers")
    for source in quality["sources"] or []:
        if source not in corpus["sources"]:
            raise UserError(f"{key}.sources names {source!r}, which is no source of the corpus; remove it.")
