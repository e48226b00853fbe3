"""One target brings everything; after that the whole workflow runs without a network, in a namespace of its own if it may."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.unit.sources.server import Answer, Request, Server, serving
from tests.unit.sources.test_dumps import status, write_dump
from tests.unit.sources.test_web import PROSE, html, record, response
from tests.workflow.conftest import Run, tiny_config
from tests.workflow.harness import command, environment, jobs_of, run, tree_digest, write_config

NOWHERE = "http://127.0.0.1:9"
WAYS = (
    ["unshare", "--net"],
    ["unshare", "--map-root-user", "--net"],
    # Where no namespace may be made, every client is sent to a proxy that is not there.
    ["env", f"http_proxy={NOWHERE}", f"https_proxy={NOWHERE}", f"all_proxy={NOWHERE}"],
)


def without_network() -> list[str]:
    """Return the strictest way to run a command without a network that works here."""
    for way in WAYS:
        if shutil.which(way[0]) and subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
            return way
    raise AssertionError("there is no way to run a command without a network")


SNAPSHOT, DUMP = "crawl-data/CC-MAIN-2024-10", "simplewiki/20240101"
ARTICLES = "simplewiki-20240101-pages-articles-multistream.xml.bz2"
QUIZ = {"question": "do bees fly", "passage": "Bees -- Bees fly from flower to flower.", "answer": True}


def publish(folder: Path) -> None:
    """Lay out a snapshot of a crawl, a dump and a labelled set as their publishers do."""
    paths = [f"{SNAPSHOT}/segments/1/warc/{n}.warc.gz" for n in range(2)]
    for number, path in enumerate(paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        page = record(number, response(html(f"Page {number}. {PROSE}").encode()))
        (folder / path).write_bytes(gzip.compress(page))
    (folder / SNAPSHOT / "warc.paths.gz").write_bytes(gzip.compress("\n".join(paths).encode()))
    write_dump(folder / DUMP, ARTICLES, 9, 2)
    (folder / DUMP / "dumpstatus.json").write_bytes(status(folder / DUMP))
    (folder / "dev.jsonl").write_text("".join(json.dumps({**QUIZ, "question": f"{n}"}) + "\n" for n in range(9)))


def remote_config(server: Server) -> dict[str, Any]:
    """The tiny configuration with all its files, a crawl, a dump and a task at a server."""
    config = tiny_config() | {"downloads": {"allow_hosts": ["127.0.0.1"]}}
    for source in config["sources"].values():
        source["files"] = [{"path": server.url(f"/{entry['path']}")} for entry in source["files"]]
    common = {"license": "CC0-1.0", "language": "en", "parts": 2}
    crawl = {"snapshot": "CC-MAIN-2024-10", "base": server.url("")}
    dump = {"language": "simple", "date": "20240101", "base": server.url("")}
    config["sources"] |= {
        "pages": {"kind": "common_crawl", "crawl": crawl, **common},
        "articles": {"kind": "wikipedia", "dump": dump, **common},
    }
    config["tasks"] = {"quiz": {"kind": "boolq", "license": "CC0-1.0", "files": [{"path": server.url("/dev.jsonl")}]}}
    return config


def test_after_fetch_nothing_needs_a_network(finished: Run, tmp_path: Path) -> None:
    publish(tmp_path / "published")

    def answer(request: Request) -> Answer:
        places = (folder / request.path.lstrip("/") for folder in (finished.workdir, tmp_path / "published"))
        return next((Answer(path.read_bytes()) for path in places if path.is_file()), Answer(status=404))

    with serving(answer) as server:
        config = remote_config(server)
        write_config(tmp_path, config)
        done = run(finished.project, tmp_path, "fetch")
        assert jobs_of(done) == {"fetch_source": 3 + 2 + 2, "fetch_task": 1, "fetch": 1}
        files = [request.path for request in server.requests if not request.path.endswith("dumpstatus.json")]
        assert (
            len(files) == len(set(files)) == 3 + 3 + 2 + 1
        )  # texts, list and pages of the crawl, dump and index, task
    locked = json.loads((tmp_path / "downloads.lock").read_text("utf-8"))
    assert sorted(locked) == sorted({server.url(request.path) for request in server.requests})

    config["downloads"]["offline"] = True
    write_config(tmp_path, config)
    offline = subprocess.run(
        [*without_network(), *command(finished.project, tmp_path)],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=tmp_path,
        check=False,
    )
    assert offline.returncode == 0, offline.stdout[-3000:] + offline.stderr[-3000:]
    made = jobs_of(offline)
    assert (made["fetch_source"], made["fetch_task"]) == (0, 0)
    assert (made["extract"], made["prepare_task"]) == (3 + 2 + 2, 1)
    manifests = [tmp_path / "results" / "sources" / name / "documents" for name in ("pages", "articles")]
    kept = [
        [json.loads((f / f"{n:04d}.json").read_text("utf-8"))["accounting"]["kept"] for n in (0, 1)] for f in manifests
    ]
    assert kept[0] == [1, 1]
    assert sum(kept[1]) == 9
    # The rest names the files that broken records came from.
    found, wanted = (tree_digest(folder / "corpora") for folder in (tmp_path / "results", finished.results))
    for name in wanted:
        assert not name.endswith(".parquet") or found[name] == wanted[name]

    shutil.rmtree(tmp_path / "results" / "sources")
    refused = run(finished.project, tmp_path, check=False)
    assert refused.returncode == 1
    logs = "".join(path.read_text("utf-8") for path in (tmp_path / "results" / "logs" / "fetch_source").iterdir())
    assert "downloads.offline is true; run `snakemake fetch`" in logs
