"""The same documents, decisions and survivors whatever the parts, the order of files and the cores, through the real steps."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scripts.lib.manifest import load_manifest
from scripts.lib.versions import source_id
from tests.real_text import module_documents, topic_documents, write_jsonl
from tests.workflow.conftest import tiny_config
from tests.workflow.harness import ROOT, run, write_config

FILES = {name: [f"text/{name}-{number}.jsonl" for number in range(3)] for name in ("reference", "modules", "copies")}
ASKED = "which of these modules is meant by the words above"
CONTACT = "Write to jane.doe@example.org or call +49 30 901820; the server is 192.168.0.1."
LAYOUTS = {"whole": ((1, 1, 1), 1, "1"), "cut": ((5, 3, 2), -1, "2")}  # parts of each source, order of files, cores


def texts() -> dict[str, list[dict[str, str]]]:
    """Documents of three sources: some copied as they are, some with words replaced, some that share a paragraph only."""
    chance, modules, reference = random.Random(5), module_documents(), topic_documents()
    copies = []
    for number, document in enumerate([*modules, *reference][::2]):
        words = document["text"].split(" ")
        for _ in range(number % 7 * len(words) // 200):
            words[chance.randrange(len(words))] = f"word{chance.randrange(10**6)}"
        text = " ".join(words)
        paragraph = max(modules[number % len(modules)]["text"].split("\n\n"), key=len)
        copies += [{"id": f"copy{number}", "text": text.upper() if number % 5 == 0 else text}]
        copies += [
            {
                "id": f"quote{number}",
                "text": f"{reference[number % len(reference)]['text'][:1500]}\n\n{paragraph}\n\n{CONTACT}",
            }
        ]
    reference += [{**document, "text": f"{document['text']}\n\nAnother text of this id."} for document in reference[:4]]
    return {"reference": reference, "modules": modules, "copies": copies}


def lay_out(folder: Path, parts: Sequence[int], step: int) -> None:
    """Write texts and configuration; with a `step` of -1 files and the documents in them stand in the opposite order."""
    config = tiny_config()
    for count, (name, documents) in zip(parts, texts().items(), strict=True):
        for number, path in enumerate(FILES[name]):
            write_jsonl(folder / path, documents[number::3][::step])
        source = {"kind": "jsonl", "language": "en", "license": "PSF-2.0", "parts": count}
        config["sources"][name] = source | {"files": [{"path": path} for path in FILES[name][::step]]}
    passages = [document["text"][200:700] for document in texts()["modules"][::9]]
    rows = [{"question": ASKED, "passage": passage, "answer": True} for passage in passages]
    (folder / "text" / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    config["tasks"] = {"quiz": {"kind": "boolq", "license": "PSF-2.0", "files": [{"path": "text/dev.jsonl"}]}}
    corpus = config["corpora"]["main"]
    corpus["sources"] = list(FILES)
    corpus["deduplicate"] = {"paragraphs": {"minimum_characters": 100}}
    corpus["decontaminate"] = {"tasks": ["quiz"], "remove": "spans"}
    corpus["split"] = {"validation": 0.1, "test": 0.1}
    write_config(folder, config)


pytestmark = pytest.mark.long  # two builds of everything


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The results of both layouts."""
    found = {}
    for name, (parts, step, cores) in LAYOUTS.items():
        folder = tmp_path_factory.mktemp(name)
        lay_out(folder, parts, step)
        run(ROOT, folder, "corpus-main", "--cores", cores)
        found[name] = folder / "results"
    return found


def rows(results: Path, pattern: str) -> Iterator[dict[str, Any]]:
    """The rows of the tables that a pattern names, without the names of parts and marks of texts that share an id."""
    paths = [path for path in sorted(results.glob(pattern)) if path.suffix == ".parquet"]
    assert paths
    for path in paths:
        for row in pq.read_table(path).to_pylist():
            named = {name: source_id(row[name]) for name in ("id", "survivor", "cluster") if name in row}
            yield {name: value for name, value in (row | named).items() if name != "part"}


def both(made: dict[str, Path], pattern: str) -> list[list[str]]:
    """The rows of both layouts, in one order."""
    return [sorted(repr(row) for row in rows(results, pattern)) for results in made.values()]


@pytest.mark.parametrize("source", FILES)
def test_the_curated_documents_are_the_same(source: str, made: dict[str, Path]) -> None:
    """All columns: text, language, license, split."""
    whole, cut = both(made, f"corpora/main/documents/{source}/*")
    assert whole == cut and len(whole) > 3


@pytest.mark.parametrize("stage", ["sources/*/annotations", "sources/*/signatures", "corpora/main/selection/*"])
def test_attributes_and_verdicts_are_the_same(stage: str, made: dict[str, Path]) -> None:
    whole, cut = both(made, f"{stage}/*")
    assert whole == cut and len(whole) > 200


def test_duplicates_and_their_survivors_are_the_same(made: dict[str, Path]) -> None:
    whole, cut = both(made, "corpora/main/duplicates.parquet")
    assert whole == cut
    kinds = Counter(row["kind"] for row in rows(made["cut"], "corpora/main/duplicates.parquet"))
    assert kinds["id"] and kinds["exact"] and kinds["near"] > 5
    whole, cut = both(made, "corpora/main/duplicates.paragraphs.parquet")
    assert whole == cut and len(whole) > 3


def test_contamination_and_overlap_are_the_same(made: dict[str, Path]) -> None:
    for table in ("contamination", "overlap"):
        whole, cut = both(made, f"corpora/main/{table}.parquet")
        assert whole == cut and (whole or table == "overlap")
        summaries = [load_manifest(results / f"corpora/main/{table}.json")["summary"] for results in made.values()]
        assert summaries[0] == summaries[1]


def test_what_is_counted_is_the_same(made: dict[str, Path]) -> None:
    audits = [load_manifest(results / "corpora/main/audit.json")["accounting"] for results in made.values()]
    assert audits[0] == audits[1]
    duplicates = [load_manifest(results / "corpora/main/duplicates.json") for results in made.values()]
    assert duplicates[0]["summary"] == duplicates[1]["summary"]
    assert duplicates[0]["accounting"] == duplicates[1]["accounting"]
