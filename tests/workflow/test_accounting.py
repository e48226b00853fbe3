"""Every record of a run is accounted for, from one step to the next: what a step keeps, the next one takes in."""

from __future__ import annotations

from collections import Counter
from typing import Any

from scripts.lib.manifest import check_accounting, load_manifest
from tests.workflow.conftest import Run, tiny_config

SOURCES = tiny_config()["corpora"]["main"]["sources"]


def accounts(run: Run, pattern: str) -> list[dict[str, Any]]:
    """The accounts of the manifests that a pattern names, each of which adds up."""
    paths = sorted(path for path in run.results.glob(pattern) if not path.name.endswith(".provenance.json"))
    found = [load_manifest(path)["accounting"] for path in paths]
    assert found
    for account in found:
        check_accounting(account)
    return found


def total(found: list[dict[str, Any]], key: str) -> int:
    return sum(account[key] for account in found)


def removed(found: list[dict[str, Any]]) -> Counter[str]:
    return sum((Counter(account["removed"]) for account in found), Counter())


def test_what_a_step_keeps_the_next_one_takes_in(finished: Run) -> None:
    for source in SOURCES:
        documents = accounts(finished, f"sources/{source}/documents/*.json")
        assert total(documents, "kept") > 0
        curated = accounts(finished, f"corpora/main/documents/{source}/*.json")
        selected = accounts(finished, f"corpora/main/selection/{source}/*.json")
        for stage in ("annotations", "signatures"):
            measured = accounts(finished, f"sources/{source}/{stage}/*.json")
            assert [account["in"] for account in measured] == [account["kept"] for account in documents]
            assert all(account["in"] == account["kept"] for account in measured)
        for stage in (selected, curated):
            assert [account["in"] for account in stage] == [account["kept"] for account in documents]
        for before, after in zip(selected, curated, strict=True):  # a document that a rule removed has no other reason
            assert before["removed"].items() <= after["removed"].items()
            assert before["kept"] - after["kept"] == sum(after["removed"].values()) - sum(before["removed"].values())


def test_the_audit_counts_what_every_step_counted(finished: Run) -> None:
    curated = [one for source in SOURCES for one in accounts(finished, f"corpora/main/documents/{source}/*.json")]
    (audit,) = accounts(finished, "corpora/main/audit.json")
    assert (audit["in"], audit["kept"]) == (total(curated, "in"), total(curated, "kept"))
    assert Counter(audit["removed"]) == removed(curated)
    (duplicates,) = accounts(finished, "corpora/main/duplicates.json")
    selected = [one for source in SOURCES for one in accounts(finished, f"corpora/main/selection/{source}/*.json")]
    assert duplicates["in"] == total(selected, "kept")
    copies = Counter({reason: count for reason, count in removed(curated).items() if reason.endswith("_duplicate")})
    assert copies.total() == duplicates["in"] - duplicates["kept"]
    assert total([one for one in accounts(finished, "sources/*/documents/*.json")], "kept") == audit["in"]


def test_broken_records_are_quarantined_and_counted(finished: Run) -> None:
    documents = accounts(finished, "sources/reference/documents/*.json")
    assert [one["quarantined"] for one in documents] == [{"invalid_utf8": 1}, {"duplicate_id": 1}]
