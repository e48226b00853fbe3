"""What a named thing rests on: every file of every stage of its closure, so that a target can ask for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from scripts.registry.workflow import Registry

SPLITS = ("train", "validation", "test")
SHARD_SUFFIXES = ("bin", "idx", "keys")
PACKING_KINDS = ("pieces", "samples", "offsets")


def manifests(registry: Registry, pattern: str, corpus: str, by_priority: bool = False) -> list[str]:
    """Return one path for every part of every source of a corpus, parts ascending.

    Sources come by name, so that reordering priorities changes nothing for a step that does not look at them.
    """
    sources = registry.corpus_sources(corpus)
    return [
        pattern.format(corpus=corpus, source=source, part=part)
        for source in (sources if by_priority else sorted(sources))
        for part in registry.parts(source)
    ]


def beside(artefacts: Iterable[str], *suffixes: str) -> list[str]:
    """Return the files of artefacts that are named without suffix: manifest, provenance and data."""
    return [path + suffix for path in artefacts for suffix in (".json", ".provenance.json", *suffixes)]


class Targets:
    """The closures of the named things of a configuration."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._closures: dict[str, tuple[str, Callable[[str], list[str]]]] = {
            "source": ("sources", self.source),
            "task": ("tasks", self.task),
            "classifier": ("classifiers", self.classifier),
            "corpus": ("corpora", self.corpus),
            "tokenizer": ("tokenizers", self.tokenizer),
            "model": ("models", self.model),
            "finetuning": ("finetunings", self.finetuning),
        }

    def names(self) -> list[tuple[str, str]]:
        """Return kind and name of everything that the configuration names."""
        return [(kind, name) for kind, (section, _) in self._closures.items() for name in self.registry.config[section]]

    def closure(self, kind: str, name: str) -> list[str]:
        """Return all files that the named thing rests on, its own included, once each, in a fixed order."""
        return list(dict.fromkeys(self._closures[kind][1](name)))

    def everything(self) -> list[str]:
        """Return the closure of all that the configuration names, and the report on it."""
        files = (file for kind, name in self.names() for file in self.closure(kind, name))
        return [*dict.fromkeys(files), *beside(self._comparisons()), *beside(["results/report"], ".html")]

    def report_inputs(self) -> dict[str, list[str]]:
        """Return the manifests that the report reads, by their role."""
        config = self.registry.config
        corpora, models = config["corpora"], config["models"]
        curated = "results/corpora/{corpus}/documents/{source}/{part}.json"
        return {
            "documents": [
                f"results/sources/{name}/documents/{part}.json"
                for name in config["sources"]
                for part in self.registry.parts(name)
            ],
            "curated": [path for corpus in corpora for path in manifests(self.registry, curated, corpus)],
            "duplicates": [f"results/corpora/{corpus}/duplicates.json" for corpus in corpora],
            "audits": [f"results/corpora/{corpus}/audit.json" for corpus in corpora],
            "contamination": [f"results/corpora/{corpus}/contamination.json" for corpus in corpora],
            "classifiers": [f"results/classifiers/{name}/model.json" for name in config["classifiers"]],
            "tasks": [f"results/tasks/{task}/items.json" for task in config["tasks"]],
            "tokenizers": [f"results/tokenizers/{name}.json" for name in config["tokenizers"]],
            "comparisons": [f"{path}.json" for path in self._comparisons()],
            "plans": [f"results/models/{model}/plan.json" for model in models],
            "models": [f"results/models/{model}/model.json" for model in models],
            "scores": [f"results/evaluations/{model}/bits_per_byte.json" for model in models],
            "zero_shot": [f"{path}.json" for model in models for path in self._zero_shot(model)],
            "finetuned": [f"{path}/model.json" for name in config["finetunings"] for path in self._finetuned(name)],
            "finetuned_scores": [
                f"{path}.json" for name in config["finetunings"] for path in self._finetuned_scores(name)
            ],
        }

    def fetch(self) -> list[str]:
        """Return all that comes from elsewhere, after which no step needs a network."""
        config = self.registry.config
        return [file for name in config["sources"] for file in self._raw("sources", name)] + [
            file for name in config["tasks"] for file in self._raw("tasks", name)
        ]

    def _raw(self, section: str, name: str) -> list[str]:
        """Return what is fetched of a source, also where it has a crawl, dump or data set and no files; or of a task."""
        if section == "tasks" and not self.registry.task(name)["files"]:
            return []  # generated
        parts = self.registry.parts(name) if section == "sources" else ["0000"]
        return beside([f"results/{section}/{name}/raw/{part}" for part in parts], "")

    def source(self, name: str) -> list[str]:
        """Return all that is made of one source before a corpus asks for it."""
        parts = self.registry.parts(name)
        documents = [f"results/sources/{name}/documents/{part}" for part in parts]
        measured = [
            f"results/sources/{name}/{stage}/{part}" for stage in ("annotations", "signatures") for part in parts
        ]
        return [
            *self._raw("sources", name),
            *beside(documents, ".parquet", ".quarantine.jsonl"),
            *beside(measured, ".parquet"),
        ]

    def task(self, name: str) -> list[str]:
        """Return all that is made of one task."""
        return [*self._raw("tasks", name), *beside([f"results/tasks/{name}/items"], ".parquet")]

    def classifier(self, name: str) -> list[str]:
        """Return all that a classifier rests on, its own files included; scores belong to the corpora that look at them."""
        entry = self.registry.classifier(name)
        files = [file for role in ("positive", "negative") for source in entry[role] for file in self.source(source)]
        return files + beside([f"results/classifiers/{name}/model"], ".parquet")

    def _scores(self, corpus: str) -> list[str]:
        """Return what a corpus asks of classifiers."""
        found: list[str] = []
        for source in self.registry.corpus_sources(corpus):
            wanted = self.registry.quality(corpus, source)
            if wanted is not None:
                folder = f"results/classifiers/{wanted['classifier']}"
                parts = [f"{folder}/scores/{source}/{part}" for part in self.registry.parts(source)]
                found += self.classifier(wanted["classifier"]) + beside(parts, ".parquet")
        return found

    def _flags(self, corpus: str) -> list[str]:
        """Return what a corpus asks of lexicons."""
        flags = [
            f"results/lexicons/{lexicon}/flags/{source}/{part}"
            for source in self.registry.corpus_sources(corpus)
            for lexicon in self.registry.lexicons(corpus, source)
            for part in self.registry.parts(source)
        ]
        return beside(flags, ".parquet")

    def corpus(self, name: str) -> list[str]:
        """Return all that a corpus rests on, its own files included."""
        entry, folder = self.registry.corpus(name), f"results/corpora/{name}"
        files = [file for source in self.registry.corpus_sources(name) for file in self.source(source)]
        files += [file for task in entry["decontaminate"]["tasks"] for file in self.task(task)]
        files.append(f"{folder}/duplicates.paragraphs.parquet")
        files += self._scores(name) + self._flags(name)
        made = [f"{folder}/duplicates", f"{folder}/contamination", f"{folder}/overlap"]
        for stage in ("selection", "documents"):
            made += manifests(self.registry, f"{folder}/{stage}/{{source}}/{{part}}", name)
        return files + beside(made, ".parquet") + beside([f"{folder}/audit"], "")

    def tokenizer(self, name: str) -> list[str]:
        """Return all that a tokenizer rests on, its own files included."""
        return self.corpus(self.registry.tokenizer(name)["corpus"]) + beside([f"results/tokenizers/{name}"], "")

    def _comparisons(self) -> list[str]:
        """Return where the tokenizers of each corpus that has some are compared."""
        corpora = self.registry.config["corpora"]
        return [f"results/corpora/{corpus}/tokenizers" for corpus in corpora if self.registry.tokenizers_of(corpus)]

    def shards(self, corpus: str, tokenizer: str) -> list[str]:
        """Return all that the shards of a corpus in a tokenizer's ids rest on, and the shards."""
        folder = f"results/shards/{corpus}/{tokenizer}"
        parts = manifests(self.registry, f"{folder}/{{source}}/{{part}}", corpus)
        orders = [f"{folder}/{source}/order" for source in self.registry.corpus_sources(corpus)]
        return [
            *self.corpus(corpus),
            *self.tokenizer(tokenizer),
            *beside(parts, *[f".{split}.{suffix}" for split in SPLITS for suffix in SHARD_SUFFIXES]),
            *beside(orders, *[f".{split}.npy" for split in SPLITS]),
        ]

    def _trained(self, name: str) -> list[str]:
        """Return all that a model rests on, the models that it starts from and its own files included."""
        entry, folder = self.registry.model(name), f"results/models/{name}"
        before = [] if entry["from"] is None else self._trained(entry["from"]["model"])
        before += beside(self.registry.trunk_state(name), "")
        made = [f"{folder}/export", f"{folder}/metrics.jsonl", f"{folder}/samples.json"]
        shards = self.shards(entry["corpus"], entry["tokenizer"])
        packed = [
            f"results/shards/{entry['corpus']}/{entry['tokenizer']}/{source}/pack-{length}"
            for length in self.registry.packings(name)
            for source in self.registry.corpus_sources(entry["corpus"])
        ]
        shards += beside(packed, *[f".{kind}.npy" for kind in PACKING_KINDS])
        return [*before, *shards, *beside([f"{folder}/plan", f"{folder}/model"]), *made]

    def model(self, name: str) -> list[str]:
        """Return all that a model rests on, its own files and its scores included."""
        scores = beside([f"results/evaluations/{name}/bits_per_byte"], ".scores.json")
        tasks = [file for task in self.registry.config["evaluation"]["zero_shot"] for file in self.task(task)]
        zero_shot = beside(self._zero_shot(name), ".items.parquet")
        return [*self._trained(name), *scores, *tasks, *zero_shot]

    def finetuning(self, name: str) -> list[str]:
        """Return all that a fine-tuning of its models rests on, its own files and scores included."""
        entry = self.registry.finetuning(name)
        files = [file for model in entry["models"] for file in self.model(model)]
        files += [file for task in entry["tasks"] for file in self.task(task)]
        for folder in self._finetuned(name):
            files += [*beside([f"{folder}/model"]), f"{folder}/export", f"{folder}/metrics.jsonl"]
        return files + beside(self._finetuned_scores(name), ".items.parquet")

    def finetuned_metrics(self) -> list[str]:
        """Return the metrics of every fine-tuned model."""
        return [
            f"{path}/metrics.jsonl" for name in self.registry.config["finetunings"] for path in self._finetuned(name)
        ]

    def _zero_shot(self, model: str) -> list[str]:
        return [
            f"results/evaluations/{model}/zero_shot/{task}" for task in self.registry.config["evaluation"]["zero_shot"]
        ]

    def _finetuned(self, name: str) -> list[str]:
        return [f"results/finetuned/{model}/{name}" for model in self.registry.finetuning(name)["models"]]

    def _finetuned_scores(self, name: str) -> list[str]:
        entry = self.registry.finetuning(name)
        folder = "results/evaluations/{model}/finetuned/{name}/{task}"
        return [
            folder.format(model=model, name=name, task=task)
            for model in entry["models"]
            for task in sorted(entry["tasks"])
        ]
