"""Real files of every kind are read with every record accounted for."""

from __future__ import annotations

from pathlib import Path

import pytest

from .running import Extracted, run_extract, run_fetch

Counts = dict[str, int]
FILES: dict[str, tuple[str, int, Counts]] = {
    "warc-ukwa/*-truncated.arc.gz": ("common_crawl", 2, {"no_html": 5, "no_page_record": 2}),
    "warc-ukwa/*-truncated.warc.gz": ("common_crawl", 2, {"no_html": 6, "no_page_record": 15}),
    "warc-ukwa/IAH-urls-wget.warc.gz": (
        "common_crawl",
        2,
        {"no_html": 8, "no_page_record": 17, "no_success_response": 9},
    ),
    "warc-ukwa/main-page.warc.gz": ("common_crawl", 1, {"no_html": 72, "no_page_record": 78}),
    "warc-ukwa/post-blackout.warc.gz": ("common_crawl", 1, {"no_html": 53, "no_page_record": 63}),
    "warc-ukwa/sopa-wikipedia-homepage.warc.gz": ("common_crawl", 1, {"no_html": 76, "no_page_record": 87}),
    "warc-ia-2008/example.arc.gz": (
        "common_crawl",
        93,
        {"no_html": 120, "no_main_text": 1, "no_page_record": 39, "no_success_response": 47},
    ),
    "warc-ia-2008/example.warc.gz": (
        "common_crawl",
        93,
        {"no_html": 158, "no_main_text": 1, "no_page_record": 523, "no_success_response": 47},
    ),
    "warc-wget-dolma/*.warc.gz": ("common_crawl", 37, {"no_html": 4, "no_page_record": 41}),
    "wet-commoncrawl-whirlwind/*.wet.gz": ("common_crawl", 1, {"no_page_record": 1}),
    "wet-commoncrawl-whirlwind/*.wat.gz": ("common_crawl", 0, {"no_page_record": 2}),
    "wet-commoncrawl-whirlwind/whirlwind.warc.gz": ("common_crawl", 1, {"no_page_record": 3}),
    "jats-elife/*.xml": ("academic", 12, {}),
    "jats-pmc/*": ("academic", 7, {}),
    "wiki-en-sample/*": ("wikipedia", 2, {"redirect": 1}),
}


@pytest.mark.parametrize("files", FILES)
def test_every_record_of_a_real_file_is_accounted_for(tmp_path: Path, shared_data: Path, files: str) -> None:
    kind, kept, removed = FILES[files]
    code, raw = run_fetch(tmp_path, [{"path": str(shared_data / files)}])
    assert code == 0
    code, manifest = run_extract(raw, kind)
    assert code == 0
    found = Extracted(manifest)
    assert found.accounting == {"in": kept + sum(removed.values()), "kept": kept, "removed": removed, "quarantined": {}}
    assert all(row["text"].strip() for row in found.list)
