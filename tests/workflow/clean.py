"""What a target rests on, and that it is what a clean build makes."""

from __future__ import annotations

from tests.workflow.conftest import Run

DOCUMENTS = "sources/reference/documents/0001"
CURATED = "corpora/main/documents/reference/0001"
NAMED_SOURCE, NAMED_CORPUS, PATH = "source-reference", "corpus-main", f"results/{CURATED}.json"
RESTS_ON = {
    "all": ("",),
    NAMED_SOURCE: ("sources/reference/",),
    NAMED_CORPUS: ("sources/", "corpora/"),
    PATH: ("sources/", "corpora/main/selection/", "corpora/main/duplicates", "corpora/main/contamination", CURATED),
}


def require_clean(target: str, spoiled: Run, clean: Run) -> None:
    """What a target rests on is what a clean build makes; what rests on it is that, too, or gone, but never stale."""
    made, wanted = spoiled.with_report(), clean.with_report()
    assert {name for name in made if name.startswith(RESTS_ON[target])} == {
        name for name in wanted if name.startswith(RESTS_ON[target])
    }
    assert made == {name: wanted.get(name) for name in made}
