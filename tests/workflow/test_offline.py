"""One target brings everything; after that the whole workflow runs without a network, in a namespace of its own if it may."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from tests.unit.sources.server import Answer, Request, serving
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


def test_after_fetch_nothing_needs_a_network(finished: Run, tmp_path: Path) -> None:
    def answer(request: Request) -> Answer:
        return Answer((finished.workdir / request.path.lstrip("/")).read_bytes())

    config = tiny_config() | {"downloads": {"allow_hosts": ["127.0.0.1"]}}
    with serving(answer) as server:
        for source in config["sources"].values():
            source["files"] = [{"path": server.url(f"/{entry['path']}")} for entry in source["files"]]
        write_config(tmp_path, config)
        done = run(finished.project, tmp_path, "fetch")
        assert jobs_of(done) == {"fetch_source": 3, "fetch": 1}
        assert len(server.requests) == 3
    locked = json.loads((tmp_path / "downloads.lock").read_text("utf-8"))
    assert sorted(locked) == sorted(entry["path"] for source in config["sources"].values() for entry in source["files"])

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
    assert jobs_of(offline)["fetch_source"] == 0
    # The rest names the files that broken records came from.
    found, wanted = (tree_digest(folder / "corpora") for folder in (tmp_path / "results", finished.results))
    for name in wanted:
        assert not name.endswith(".parquet") or found[name] == wanted[name]

    shutil.rmtree(tmp_path / "results" / "sources")
    refused = run(finished.project, tmp_path, check=False)
    assert refused.returncode == 1
    logs = "".join(path.read_text("utf-8") for path in (tmp_path / "results" / "logs" / "fetch_source").iterdir())
    assert "downloads.offline is true; run `snakemake fetch`" in logs
