"""What the rules ask of a configuration: parts, references, settings of shared shape; and the look at the results."""

from __future__ import annotations

import itertools
import os
import sys
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.lib.errors import UserError
from scripts.registry.branches import first_batch
from scripts.registry.filtering import filters_of_source, lexicons_of_source, line_edits_of_source, list_digests
from scripts.registry.local import LocalDigests, local_contents, require_readable
from scripts.reproducibility.preflight import examine, refuse_unrecorded, repair
from scripts.sources.local import local_listing
from scripts.sources.packages import parse_package

RESULTS = Path("results")
# Options with which Snakemake looks and runs nothing, and the letters of its options without a value, which may stand together.
LOOKING = (
    *("--dry-run", "--dryrun", "--lint", "--dag", "--rulegraph", "--filegraph", "--d3dag", "--print-compilation"),
    *(
        "--list",
        "--list-rules",
        "--list-target-rules",
        "--lt",
        "--list-changes",
        "--lc",
        "--list-input-changes",
        "--li",
    ),
    *(
        "--list-params-changes",
        "--lp",
        "--list-untracked",
        "--lu",
        "--list-conda-envs",
        "--summary",
        "--detailed-summary",
    ),
)
LOOKING_LETTERS, OTHER_LETTERS = "nlSD", "kftFpa"
UNLOCK = "--unlock"
SKIP_PREFLIGHT = "GROUNDWORK_SKIP_PREFLIGHT"


class Registry:
    """The named things of a complete configuration."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.seed: int = config["seed"]
        self.digests = LocalDigests()
        self._contents: dict[tuple[str, str], list[str | None]] = {}

    def parts(self, source: str) -> list[str]:
        """Return the names of the parts of a source: 0000, 0001, ..."""
        return [f"{part:04d}" for part in range(self.config["sources"][source]["parts"])]

    def corpus_sources(self, corpus: str) -> list[str]:
        """Return the sources of a corpus in order of priority."""
        return list(self.config["corpora"][corpus]["sources"])

    def sources_with_parts(self, corpus: str, by_priority: bool = False) -> list[dict[str, Any]]:
        """Return name and number of parts of each source of a corpus, by name or in order of priority."""
        sources = self.corpus_sources(corpus)
        return self.with_parts(sources if by_priority else sorted(sources))

    def with_parts(self, sources: Sequence[str]) -> list[dict[str, Any]]:
        """Return name and number of parts of each source."""
        return [{"name": source, "parts": self.config["sources"][source]["parts"]} for source in sources]

    def source(self, name: str) -> Mapping[str, Any]:
        """Return the entry of a source."""
        entry: Mapping[str, Any] = self.config["sources"][name]
        return entry

    def origin(self, section: str, name: str) -> dict[str, Any]:
        """Return where the files of a source or task come from, without what changes nothing there."""
        thing = self.config[section][name]
        for kind in ("crawl", "dump", "dataset"):
            if thing.get(kind) is not None:
                return {kind: thing[kind], **({"seed": self.seed} if kind == "crawl" else {})}
        package = thing["package"]
        if package is not None:
            package = {**package, "form": parse_package(package).form}
        joined = {"joined": True} if thing.get("options", {}).get("joined") else {}
        return {"package": package, "files": thing["files"], **joined}

    def content(self, section: str, name: str, part: str) -> str | None:
        """Return the digest of the user's own files of a part of a source or task; None when it has none."""
        if (section, name) not in self._contents:
            parts = self.config[section][name].get("parts", 1)
            self._contents[section, name] = local_contents(self.origin(section, name), parts, self.digests)
        return self._contents[section, name][int(part)]

    def require_readable(self) -> None:
        """Raise UserError for the first of the user's own files that cannot be read."""
        origins = [self.origin(section, name) for section in ("sources", "tasks") for name in self.config[section]]
        for origin in origins:
            listing = local_listing(origin, 0, 1) if origin.get("files") != [] else None  # a generated task has none
            for _, path in listing or []:
                require_readable(path)

    def task(self, name: str) -> Mapping[str, Any]:
        """Return the entry of a task."""
        entry: Mapping[str, Any] = self.config["tasks"][name]
        return entry

    def corpus(self, name: str) -> Mapping[str, Any]:
        """Return the entry of a corpus."""
        entry: Mapping[str, Any] = self.config["corpora"][name]
        return entry

    def filters(self, corpus: str, source: str) -> dict[str, Any]:
        """Return what decides on the documents of one source of a corpus; scores where it looks at them."""
        filters = filters_of_source(self.corpus(corpus)["filters"], source, self.digests)
        quality = self.quality(corpus, source)
        return filters if quality is None else {**filters, "quality": quality}

    def line_edits(self, corpus: str, source: str) -> list[str]:
        """Return the edits of lines that the documents of one source of a corpus are given."""
        return line_edits_of_source(self.corpus(corpus)["filters"], source)

    def tokenizers_of(self, corpus: str) -> list[str]:
        """Return the names of the tokenizers that are trained on a corpus, sorted."""
        return sorted(name for name, entry in self.config["tokenizers"].items() if entry["corpus"] == corpus)

    def tokenizer(self, name: str) -> Mapping[str, Any]:
        """Return the entry of a tokenizer."""
        entry: Mapping[str, Any] = self.config["tokenizers"][name]
        return entry

    def packings(self, model: str) -> list[int]:
        """Return the length of the samples that the sources of a model are packed into, or none."""
        training = self.config["models"][model]["training"]
        return [training["sequence_length"]] if training["packing"] == "best_fit" else []

    def classifier(self, name: str) -> Mapping[str, Any]:
        """Return the entry of a classifier."""
        entry: Mapping[str, Any] = self.config["classifiers"][name]
        return entry

    def quality(self, corpus: str, source: str) -> dict[str, Any] | None:
        """Return what a corpus makes of the scores of a source's documents, or None when it looks at none."""
        wanted = self.corpus(corpus)["filters"]["quality"]
        if wanted is None or source not in (wanted["sources"] or self.corpus_sources(corpus)):
            return None
        used = {key: wanted[key] for key in ("classifier", "minimum", "pareto")}
        return used | ({} if wanted["pareto"] is None else {"seed": self.seed})

    def lexicon(self, name: str) -> dict[str, Any]:
        """Return the contents of the lists of a lexicon: those for all documents, and those for documents in a language."""
        entry = self.config["lexicons"][name]
        (files,) = list_digests({"files": entry["files"]}, self.digests).values()
        return {"files": files, "languages": list_digests(entry["languages"], self.digests)}

    def lexicons(self, corpus: str, source: str) -> list[str]:
        """Return the lexicons whose flags decide on the documents of one source of a corpus."""
        return lexicons_of_source(self.corpus(corpus)["filters"], source)

    def model(self, name: str) -> Mapping[str, Any]:
        """Return the entry of a model."""
        entry: Mapping[str, Any] = self.config["models"][name]
        return entry

    def origin_of_model(self, name: str) -> dict[str, Any] | None:
        """Return model and step that a model starts from, and the batch that it begins with; None for one from scratch."""
        start = self.config["models"][name]["from"]
        return None if start is None else {**start, "first_batch": first_batch(name, self.config["models"])}

    def trunk_state(self, name: str) -> list[str]:
        """Return the state that a model starts from, as a path without suffix, or nothing."""
        start = self.config["models"][name]["from"]
        return [] if start is None else [f"results/models/{start['model']}/steps/{start['step']}"]

    def kept_steps(self, name: str) -> str:
        """Return the steps of a model that others start from, ascending and separated by commas, or `none`."""
        starts = [model["from"] for model in self.config["models"].values() if model["from"]]
        steps = {start["step"] for start in starts if start["model"] == name}
        return ",".join(map(str, sorted(steps))) or "none"

    def finetuning(self, name: str) -> Mapping[str, Any]:
        """Return the entry of a fine-tuning."""
        entry: Mapping[str, Any] = self.config["finetunings"][name]
        return entry


def snakemake_knows(workdir: Path, path: Path) -> bool:
    """Tell whether Snakemake has a record of `path`, finished or not.

    Its records are files named by the URL-safe base64 of the path, cut where a file name would be too long
    (snakemake.persistence.file); a test holds that this is still so.
    """
    name = urlsafe_b64encode(str(path).encode()).decode()
    longest = os.pathconf(workdir, "PC_NAME_MAX") - 1
    pieces = [name[start : start + longest] for start in range(0, len(name), longest)]
    record = Path(*[f"@{piece}" for piece in pieces[:-1]], pieces[-1])
    return any((workdir / ".snakemake" / kind / record).is_file() for kind in ("metadata", "incomplete"))


def only_looks(arguments: Sequence[str]) -> bool:
    """Tell whether a command line of Snakemake runs nothing; options may be cut short, and letters stand together (`-np`)."""
    for word in itertools.takewhile(lambda one: one != "--", arguments):  # behind it stand targets
        if word.startswith("--"):
            name = word.partition("=")[0]
            if any(option.startswith(name) for option in LOOKING):
                return True
        elif word.startswith("-"):
            letters = word[1:].lstrip(OTHER_LETTERS)  # behind any other letter stands its value
            if letters and letters[0] in LOOKING_LETTERS:
                return True
    return False


def preflight(workdir: Path, arguments: Sequence[str]) -> None:
    """Look at the results before anything is planned; see scripts.reproducibility.preflight.

    Invocations that only look (dry runs and the like) refuse unrecorded results too, but change nothing; `--unlock`
    plans nothing, so it must work whatever the results look like.
    """
    if os.environ.get(SKIP_PREFLIGHT) or UNLOCK in arguments or not (workdir / RESULTS).is_dir():
        return
    findings = examine(RESULTS, lambda path: snakemake_knows(workdir, path))
    refuse_unrecorded(findings)
    if only_looks(arguments):
        for file, problem in findings.damaged.values():
            print(f"notice: {file} {problem}; a run would make it again.", file=sys.stderr)
        return
    try:
        notices = repair(findings)
    except OSError as error:
        raise UserError(
            f"{error.filename or RESULTS} cannot be moved ({error.strerror}); check the permissions."
        ) from None
    for notice in notices:
        print(f"notice: {notice}", file=sys.stderr)
