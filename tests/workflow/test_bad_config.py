"""A wrong configuration as a user meets it: one sentence, exit 1, nothing run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.workflow.conftest import lay_out_text, tiny_config
from tests.workflow.harness import copy_project, environment

GOOD = yaml.safe_dump(tiny_config(), sort_keys=False)
BAD = {
    "typo": (f"{GOOD}sead: 4\n", r"the configuration has the unknown key 'sead'; did you mean 'seed'\?"),
    "dangling name": (
        GOOD.replace("- reference\n", "- referense\n"),
        r"corpora\.main\.sources names 'referense', which is not under sources .*",
    ),
    "broken YAML": (f"{GOOD}tasks: [\n", r"config\.yaml, line \d+ is not valid YAML: .*; mend the syntax\."),
    "a name twice": (
        f"{GOOD}seed: 4\n",
        r"config\.yaml, line \d+: the name 'seed' is given twice; rename or remove one\.",
    ),
    "unreadable file": (
        GOOD.replace("text/modules.jsonl", "/proc/self/mem"),
        r"/proc/self/mem cannot be read \(Input/output error\); .*",
    ),
    "nothing": ("", r"config\.yaml has no keys at its top level; .*"),
}
BAD["a target behind the files"] = (GOOD, r"corpus-main follows --configfile, .* put targets before --configfile\.")
IN_THE_CLONE = ["snakemake"]
NAMED_TO_MAKE = ["bash", "scripts/run.sh", "--configfile", "config.yaml", "--cores", "1"]
CASES = [
    ("typo", NAMED_TO_MAKE),
    ("dangling name", IN_THE_CLONE),
    ("unreadable file", IN_THE_CLONE),
    ("broken YAML", IN_THE_CLONE),
    ("broken YAML", NAMED_TO_MAKE),
    ("a name twice", NAMED_TO_MAKE),
    ("nothing", NAMED_TO_MAKE),
    ("a target behind the files", ["bash", "scripts/run.sh", "--configfile", "config.yaml", "corpus-main"]),
]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone that has the files of its sources, so that nothing but the configuration is wrong."""
    project = copy_project(tmp_path_factory.mktemp("bad-config") / "clone")
    lay_out_text(project)
    return project


@pytest.mark.parametrize(("fault", "typed"), CASES, ids=[f"{fault}-{typed[0]}" for fault, typed in CASES])
def test_a_wrong_configuration_is_one_sentence(fault: str, typed: list[str], clone: Path) -> None:
    text, sentence = BAD[fault]
    (clone / "config.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run(typed, capture_output=True, text=True, env=environment(), cwd=clone, check=False)
    said = (done.stdout + done.stderr).strip().splitlines()
    assert done.returncode == 1
    assert len([line for line in said if line.startswith("error: ")]) == 1, said
    assert re.fullmatch(f"error: {sentence}", said[-1]), said
    assert not [line for line in said if "Traceback" in line or "Error" in line], said
    assert not (clone / "results").exists()
