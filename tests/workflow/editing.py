"""Give leaves of a configuration other values, with what has to go with them to be valid."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scripts.registry.config import complete_config, read_yaml
from scripts.sources.kinds import KINDS as READERS
from tests.making import at
from tests.workflow.harness import ROOT
from tests.workflow.jobs import KINDS
from tests.workflow.leaves import LEAVES, OTHER_LEAVES

Config = dict[str, Any]
Leaf = tuple[str, ...]
TABLE = LEAVES | OTHER_LEAVES
OPEN_ENDED = (  # mappings whose keys a user chooses: each is one leaf of the table
    "sources.*.options",
    "corpora.*.filters.thresholds",
    "models.*.weights",
    "models.*.epoch_caps",
    "finetunings.*.tasks",
    "lexicons.*.languages",
)
OPTIONS = {"wikipedia": {"namespaces": [0, 4]}, "jsonl": {"text": "body"}, "books": {"max_characters": 9999}} | {
    "academic": {"captions": True},
    "social": {"posts": 5},
    "text": {"encoding": "latin-1"},
}
CONTRADICTING = {  # in one name
    *("sources.*.crawl", "sources.*.dump", "sources.*.dataset"),
    *("tokenizers.*.corpus", "tokenizers.*.user_symbols"),
    *("models.*.corpus", "models.*.objective", "models.*.architecture.heads", "models.*.from"),
}
LIST, OTHER_LIST = str(ROOT / "LICENSE"), str(ROOT / "README.md")  # files that are there


def default_config() -> Config:
    """Return the default configuration, complete."""
    return complete_config(read_yaml(ROOT / "config.yaml"), ROOT)


def rich_config() -> Config:
    """Return the default configuration with all that it lacks, for two of its sources: a classifier, lexicons, lists."""
    config = default_config()
    config["classifiers"]["prose"] = {"positive": ["encyclopedia"], "negative": ["social"]}
    config["lexicons"] = {"terms": {"files": [LIST], "languages": {"de": [LIST]}}, "others": {"files": [LIST]}}
    filters = config["corpora"]["english"]["filters"]
    filters["quality"] = {"classifier": "prose", "minimum": 0.5, "pareto": 9, "sources": ["web", "news"]}
    filters["lexicons"] = ["terms"]
    filters["overrides"] = [{"sources": ["web", "news"], "families": ["length", "lexicon"]}]
    return complete_config(config, ROOT)


def config_of_every_rule() -> Config:
    """Return that with a model that packs and one that starts from it: every rule has a job."""
    config = rich_config()
    trunk = config["models"]["gpt2"]
    trunk["training"]["packing"] = "best_fit"
    config["models"]["anneal"] = {**trunk, "from": {"model": "gpt2", "step": trunk["training"]["steps"]}}
    return complete_config(config, ROOT)


def leaves(values: Mapping[str, Any], above: Leaf = ()) -> Iterator[tuple[Leaf, Any]]:
    """Yield every leaf with its value: scalars, lists and empty mappings."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, key))
        elif above or key not in KINDS:  # an empty section names nothing yet
            yield (*above, key), value


def pattern(leaf: Leaf) -> str:
    """Return a leaf with names replaced: sources.books.parts is sources.*.parts."""
    keys = (leaf[0], "*", *leaf[2:]) if leaf[0] in KINDS else leaf
    name = ".".join(keys)
    return next((one for one in OPEN_ENDED if name == one or name.startswith(f"{one}.")), name)


def edited(config: Config, *edits: Leaf) -> Config:
    """Return a copy of the configuration with other values at the leaves, and what has to go with them to be valid."""
    other = copy.deepcopy(config)
    for leaf in edits:
        parent = at(other, ".".join(leaf[:-1])) if len(leaf) > 1 else other
        if (edit := EDITS.get(pattern(leaf))) is not None:
            edit(other, parent, leaf)
        else:
            given = TABLE[pattern(leaf)][0]
            values = given if isinstance(given, tuple) else (given,)
            parent[leaf[-1]] = next(value for value in values if value != parent[leaf[-1]])
    return other


def of_one_name(config: Config, section: str, name: str) -> list[Leaf]:
    """Return the leaves of a name that can be edited together."""
    return [leaf for leaf, _ in leaves(config) if leaf[:2] == (section, name) and pattern(leaf) not in CONTRADICTING]


def _parts(config: Config, source: Config, leaf: Leaf) -> None:
    source["parts"] = 3
    if len(source["files"]) < 3 and not any("*" in file["path"] for file in source["files"]):
        source["files"] = [{"path": "*.a", "sha256": None}]


def _kind(config: Config, source: Config, leaf: Leaf) -> None:
    source |= {"kind": "text", "options": {}}


def _instead_of_files(config: Config, source: Config, leaf: Leaf) -> None:
    kind = {"crawl": "common_crawl", "dump": "wikipedia", "dataset": "huggingface"}[leaf[-1]]
    source |= {"files": [], "package": None, "kind": kind, "options": {}, leaf[-1]: TABLE[pattern(leaf)][0]}


def _options(config: Config, _: Config, leaf: Leaf) -> None:
    source = config["sources"][leaf[1]]
    source["kind"] = source["kind"] if READERS[source["kind"]] else "wikipedia"  # some readers have no option
    source["options"] = OPTIONS[source["kind"]]


def _registry(config: Config, package: Config, leaf: Leaf) -> None:
    """Debian has none of what pip has, and names in lower case only."""
    package |= {"registry": "debian", "form": None, "name": package["name"].lower()}


def _form(config: Config, package: Config, leaf: Leaf) -> None:
    if package["registry"] == "pip":
        package["form"] = "wheel" if package["form"] == "sdist" else "sdist"


def _task(config: Config, task: Config, leaf: Leaf) -> None:
    generated = task["kind"] == "minimal_pairs"
    if leaf[-1] == "kind" or generated:
        task["kind"] = "sentiment" if task["kind"] == "boolq" else "boolq"
    if (
        leaf[-1] == "files" or generated or task["kind"] == "boolq"
    ):  # a pattern may find the development set that boolq needs
        task["files"] = [{"path": "*.a", "sha256": None}]
    if generated:
        task["package"] = {"registry": "pip", "name": "other", "version": "9.9", "form": "wheel"}


def _reversed(config: Config, parent: Config, leaf: Leaf) -> None:
    parent[leaf[-1]] = parent[leaf[-1]][::-1]


def _other_tasks(config: Config, parent: Config, leaf: Leaf) -> None:
    parent["tasks"] = [task for task in config["tasks"] if task not in parent["tasks"]][:1]


def _use(filters: Config, family: str) -> None:
    filters["families"] = [*(one for one in filters["families"] if one != family), family]


def _list(config: Config, lists: Config, leaf: Leaf) -> None:
    _use(config["corpora"][leaf[1]]["filters"], "url")
    lists[leaf[-1]] = [LIST]


def _lexicons(config: Config, filters: Config, leaf: Leaf) -> None:
    config["lexicons"] = config["lexicons"] or {"terms": {"files": [LIST]}}
    if not filters["lexicons"]:
        _use(filters, "lexicon")
    filters["lexicons"] = list(config["lexicons"])


def _words(config: Config, parent: Config, leaf: Leaf) -> None:
    parent[leaf[-1]] = {"de": [OTHER_LIST]} if leaf[-1] == "languages" else [OTHER_LIST]


def _quality(config: Config, filters: Config, leaf: Leaf) -> None:
    config["classifiers"]["prose"] = {"positive": ["encyclopedia"], "negative": ["social"]}
    filters["quality"] = {"classifier": "prose"}


def _second(config: Config, parent: Config, leaf: Leaf) -> None:
    section, change = {"tokenizer": ("tokenizers", {"vocabulary": 1000}), "classifier": ("classifiers", {"ngrams": 1})}[
        leaf[-1]
    ]
    config[section]["second"] = {**config[section][parent[leaf[-1]]], **change}
    parent[leaf[-1]] = "second"


def _from(config: Config, model: Config, leaf: Leaf) -> None:
    trunk = f"{leaf[1]}-trunk"
    config["models"][trunk] = copy.deepcopy(model)
    model["from"] = {"model": trunk, "step": model["training"]["steps"]}


def _objective(config: Config, model: Config, leaf: Leaf) -> None:
    if model["objective"] == "masked":
        model["objective"], model["architecture"]["family"] = "causal", "gpt2"
    else:
        model["objective"] = "masked"
        model["architecture"] |= {"family": "bert", "key_value_heads": None}
        config["finetunings"]["multitask"]["models"] = ["gpt2" if leaf[1] == "llama" else "llama"]  # it has to write


def _family(config: Config, architecture: Config, leaf: Leaf) -> None:
    architecture["family"] = {"llama": "gpt2", "gpt2": "llama", "bert": "modernbert"}[architecture["family"]]
    architecture["key_value_heads"] = None


def _untied(config: Config, architecture: Config, leaf: Leaf) -> None:
    model = config["models"][leaf[1]]
    if model["objective"] == "masked":  # it predicts with its input embeddings
        _objective(config, model, leaf)
    architecture["tied_embeddings"] = False


def _projections(config: Config, architecture: Config, leaf: Leaf) -> None:
    if architecture["family"] == "bert":  # it normalises after the sum
        architecture["family"] = "modernbert"
    architecture["output_projections"] = "zero"


EDITS: dict[str, Callable[[Config, Config, Leaf], None]] = {
    "sources.*.parts": _parts,
    "sources.*.kind": _kind,
    "sources.*.crawl": _instead_of_files,
    "sources.*.dump": _instead_of_files,
    "sources.*.dataset": _instead_of_files,
    "sources.*.options": _options,
    "sources.*.package.registry": _registry,
    "tasks.*.package.registry": _registry,
    "sources.*.package.form": _form,
    "tasks.*.package.form": _form,
    "tasks.*.kind": _task,
    "tasks.*.package": _task,
    "tasks.*.files": _task,
    "corpora.*.sources": _reversed,
    "corpora.*.decontaminate.tasks": _other_tasks,
    "corpora.*.filters.url_lists.domains": _list,
    "corpora.*.filters.url_lists.urls": _list,
    "corpora.*.filters.url_lists.words": _list,
    "corpora.*.filters.url_lists.soft_words": _list,
    "corpora.*.filters.url_lists.substrings": _list,
    "corpora.*.filters.lexicons": _lexicons,
    "corpora.*.filters.quality": _quality,
    "corpora.*.filters.quality.classifier": _second,
    "models.*.tokenizer": _second,
    "models.*.from": _from,
    "models.*.objective": _objective,
    "models.*.architecture.family": _family,
    "models.*.architecture.tied_embeddings": _untied,
    "models.*.architecture.output_projections": _projections,
    "lexicons.*.files": _words,
    "lexicons.*.languages": _words,
}
