from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from scripts.lib.errors import UserError
from scripts.registry.config import complete_config
from scripts.sources import datasets as source_datasets

from .running import Extracted, documents_of, run_extract, run_fetch

ROWS: list[dict[str, Any]] = [
    {"body": f"Text number {n}.", "meta": {"link": f"https://x.test/{n}"}, "n": n} for n in range(10)
]


def dataset(path: Path | str, **given: Any) -> dict[str, Any]:
    return {"dataset": {"name": str(path), "config": None, "split": "train", "revision": None, **given}}


def write_parquet(path: Path, rows: list[dict[str, Any]], **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path, **options)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_local_data_set_is_loaded_by_the_library(tmp_path: Path, parts: int) -> None:
    write_parquet(tmp_path / "set" / "train-00000.parquet", ROWS[:6])
    write_parquet(tmp_path / "set" / "train-00001.parquet", ROWS[6:])
    found: dict[str, Any] = {}
    for part in range(parts):
        code, raw = run_fetch(tmp_path, [], part, parts, origin=dataset(tmp_path / "set"))
        assert code == 0
        code, manifest = run_extract(raw, "huggingface", {"text": "body", "url": "meta.link"})
        assert code == 0
        found |= {row["text"]: (row["id"], row["url"]) for row in Extracted(manifest).list}
    assert sorted(found) == [f"Text number {n}." for n in range(10)]
    assert found["Text number 7."][1] == "https://x.test/7"
    numbers = [*(f"0/{n}" for n in range(6)), *(f"1/{n}" for n in range(4))]
    assert {identifier for identifier, _ in found.values()} == {f"s:set/train/{number}" for number in numbers}


def csv_lines(delimiter: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([["body", "n"], *[[row["body"], row["n"]] for row in ROWS]])
    return out.getvalue().encode()


JSON_LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
FILES: list[tuple[str, Callable[[], bytes], str]] = [
    ("rows.jsonl", lambda: JSON_LINES, "body"),
    ("rows.JSONL.gz", lambda: gzip.compress(JSON_LINES), "body"),
    ("rows.ndjson.zst", lambda: zstandard.compress(JSON_LINES), "body"),
    ("rows.json.bz2", lambda: bz2.compress(JSON_LINES), "body"),
    ("rows.csv", lambda: csv_lines(","), "body"),
    ("rows.tsv", lambda: csv_lines("\t"), "body"),
    ("rows.v1.txt", lambda: "".join(row["body"] + "\n" for row in ROWS).encode(), "text"),
]


def fetched_texts(root: Path, origin: dict[str, Any], parts: int, column: str) -> dict[str, str]:
    """Bring all parts of a data set through both programs; returns text by key."""
    found: dict[str, str] = {}
    for part in range(parts):
        code, raw = run_fetch(root, [], part, parts, origin=origin)
        assert code == 0
        code, manifest = run_extract(raw, "huggingface", {"text": column})
        assert code == 0
        found |= {key: row["text"] for key, row in Extracted(manifest).rows.items()}
    return found


@pytest.mark.parametrize(("name", "content", "column"), FILES, ids=[name for name, _, _ in FILES])
def test_a_file_is_loaded_by_its_suffix(tmp_path: Path, name: str, content: Callable[[], bytes], column: str) -> None:
    (tmp_path / name).write_bytes(content())
    found = fetched_texts(tmp_path, dataset(tmp_path / name), 2, column)
    assert found == {f"{name}/train/{n}": f"Text number {n}." for n in range(10)}


def test_a_parquet_and_an_arrow_file_are_loaded_by_their_suffix(tmp_path: Path) -> None:
    write_parquet(tmp_path / "rows.parquet", ROWS)
    table = pa.Table.from_pylist(ROWS)
    with pa.OSFile(str(tmp_path / "rows.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    for name in ("rows.parquet", "rows.arrow"):
        assert len(fetched_texts(tmp_path, dataset(tmp_path / name), 1, "body")) == 10


def test_a_file_of_unknown_form_is_one_sentence_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.yaml"
    path.write_text("a: 1\n")
    source = {"kind": "huggingface", "license": "CC0-1.0", "dataset": {"name": str(path)}}
    with pytest.raises(
        UserError, match=r"^sources\.s\.dataset\.name: .*rows\.yaml has none of the suffixes \.csv, .*; give"
    ):
        complete_config({"sources": {"s": source}, "corpora": {"c": {"sources": ["s"]}}}, tmp_path)
    assert run_fetch(tmp_path, [], origin=dataset(path))[0] == 1
    assert "has none of the suffixes" in capsys.readouterr().err


def test_a_file_has_no_other_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.jsonl").write_bytes(JSON_LINES)
    assert run_fetch(tmp_path, [], origin=dataset(tmp_path / "rows.jsonl", split="test"))[0] == 1
    assert "check name, config, split" in capsys.readouterr().err


def test_what_save_to_disk_wrote_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = datasets.Dataset.from_list(ROWS)
    rows.save_to_disk(str(tmp_path / "one"), num_shards=2)
    splits = {"train": rows.select([8, 9]), "test": rows.select(range(3)).with_format("numpy")}
    datasets.DatasetDict(splits).save_to_disk(str(tmp_path / "several"))
    capsys.readouterr()
    assert fetched_texts(tmp_path, dataset(tmp_path / "one"), 3, "body") == {
        f"one/train/{n}": f"Text number {n}." for n in range(10)
    }
    assert fetched_texts(tmp_path, dataset(tmp_path / "several", split="test"), 1, "body") == {
        f"several/test/{n}": f"Text number {n}." for n in range(3)
    }
    assert run_fetch(tmp_path, [], origin=dataset(tmp_path / "several", split="dev"))[0] == 1
    assert "has the splits train, test and no dev; correct dataset.split" in capsys.readouterr().err


def test_one_split_that_was_saved_is_taken_for_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    datasets.Dataset.from_list(ROWS, split=datasets.Split.TEST).save_to_disk(str(tmp_path / "test"))
    assert run_fetch(tmp_path, [], origin=dataset(tmp_path / "test"))[0] == 1
    assert "has the splits test and no train" in capsys.readouterr().err
    assert len(fetched_texts(tmp_path, dataset(tmp_path / "test", split="test"), 1, "body")) == 10


def test_a_data_set_of_the_hub_is_streamed_at_its_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def load_dataset(*given: Any, **named: Any) -> list[dict[str, Any]]:
        asked.append((given, named))
        return ROWS

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    origin = dataset("org/set", config="en", split="test", revision="c0ffee" * 6 + "0123")
    found = fetched_texts(tmp_path, origin, 2, "body")
    assert found == {f"org/set/test/{n}": f"Text number {n}." for n in range(10)}
    assert asked == 2 * [(("org/set", "en"), {"split": "test", "revision": "c0ffee" * 6 + "0123", "streaming": True})]


def test_the_clients_of_the_hub_tell_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    signed = "https://me:hush@cdn.test/a/b.parquet?X-Amz-Signature=hush&X-Amz-Expires=1"

    def load_dataset(*_: Any, **__: Any) -> Any:
        logging.getLogger("httpx2").info('HTTP Request: GET %s "HTTP/1.1 200 OK"', signed)
        logging.getLogger("datasets.utils").warning("Got disconnected from %s", signed)
        logging.getLogger("huggingface_hub.utils").warning(f"'timeout' thrown while requesting GET {signed}")
        yield ROWS[0]
        raise ConnectionError(f"403, message='Forbidden', url='{signed}'\nwith url: /a?Signature=hush")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert run_fetch(tmp_path, [], origin=dataset("org/set", revision="0" * 40))[0] == 1
    said = capsys.readouterr().err
    assert said.count("https://cdn.test/a/b.parquet") == 4
    assert "hush" not in said


def test_a_data_set_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "set").mkdir()
    assert run_fetch(tmp_path, [], origin=dataset(tmp_path / "set"))[0] == 1
    assert capsys.readouterr().err.count("error:") == 1


def test_columns_of_parquet_files_are_named(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", ROWS)
    options = {"text": "body", "id": "n", "url": "meta.link"}
    found = documents_of(tmp_path, "a.parquet", (tmp_path / "a.parquet").read_bytes(), "parquet", options)
    assert found.accounting["kept"] == 10
    assert found.rows["7"]["url"] == "https://x.test/7"


def test_a_bad_row_of_a_parquet_file_costs_itself(tmp_path: Path) -> None:
    texts = pa.array([b"good", b"bad \xff", None, b"fine", b" "], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    found = documents_of(tmp_path, "a.parquet", (tmp_path / "a.parquet").read_bytes(), "parquet")
    assert found.accounting["quarantined"] == {"invalid_utf8": 1, "text_missing": 1}
    assert found.accounting["removed"] == {"empty": 1}
    assert sorted(found.rows) == ["a/1", "a/4"]


def test_identifiers_may_be_bytes(tmp_path: Path) -> None:
    keys = pa.array([b"\xff" * 16, b"k" * 16], pa.binary(16))
    pq.write_table(pa.table({"text": ["a", "b"], "id": keys}), tmp_path / "a.parquet")
    found = documents_of(tmp_path, "a.parquet", (tmp_path / "a.parquet").read_bytes(), "parquet")
    assert (sorted(found.rows), found.accounting["quarantined"]) == (["f" * 32, "k" * 16], {})


def test_a_damaged_row_group_costs_its_rows(tmp_path: Path) -> None:
    rows = [{"text": f"{n} " + "abc" * 50} for n in range(300)]
    write_parquet(tmp_path / "a.parquet", rows, row_group_size=100, compression="zstd", write_page_checksum=True)
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    second = pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(1).column(0)
    middle = (second.data_page_offset or 0) + second.total_compressed_size // 2
    content[middle : middle + 8] = b"\xff" * 8
    counts = documents_of(tmp_path, "a.parquet", bytes(content), "parquet").accounting
    assert counts == {"in": 300, "kept": 200, "removed": {}, "quarantined": {"damaged_row_group": 100}}


def test_rows_without_any_of_the_columns_are_counted(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", ROWS)
    counts = documents_of(tmp_path, "a.parquet", (tmp_path / "a.parquet").read_bytes(), "parquet").accounting
    assert counts == {"in": 10, "kept": 0, "removed": {}, "quarantined": {"text_missing": 10}}


def test_a_value_that_python_has_not_costs_its_row(tmp_path: Path) -> None:
    dates = pa.array([0, 10**15, 0], pa.timestamp("ms"))
    pq.write_table(pa.table({"text": ["a", "b", "c"], "date": dates}), tmp_path / "a.parquet")
    found = documents_of(tmp_path, "a.parquet", (tmp_path / "a.parquet").read_bytes(), "parquet")
    assert found.accounting["quarantined"] == {"unreadable_value": 1}
    assert found.rows["a/3"]["date"] == "1970-01-01T00:00:00"


def test_numbers_that_are_none_lose_no_text(tmp_path: Path) -> None:
    write_parquet(tmp_path / "set" / "train.parquet", [{"text": "good", "score": float("nan")}])
    code, raw = run_fetch(tmp_path, [], origin=dataset(tmp_path / "set"))
    assert code == 0
    code, manifest = run_extract(raw, "huggingface")
    assert code == 0
    assert [row["text"] for row in Extracted(manifest).list] == ["good"]


def test_surrogates_in_any_column_cost_their_row(tmp_path: Path) -> None:
    content = b'{"text": "x", "url": "\\ud800"}\n{"text": "y"}\n'
    counts = documents_of(tmp_path, "a.jsonl", content, "jsonl").accounting
    assert counts == {"in": 2, "kept": 1, "removed": {}, "quarantined": {"lone_surrogates": 1}}


@pytest.mark.parametrize("content", [b"PAR1 no", b"PAR1" + b"x" * 100 + b"PAR1", gzip.compress(b"x", mtime=0)])
def test_what_is_no_parquet_file_is_quarantined(tmp_path: Path, content: bytes) -> None:
    assert documents_of(tmp_path, "a.parquet", content, "parquet").accounting["quarantined"] == {"no_parquet": 1}


@pytest.mark.parametrize("row", [{"text": "t", "when": "2024-01-01"}, {"text": "t", "score": 0.5}])
def test_other_columns_do_not_matter(tmp_path: Path, row: dict[str, Any]) -> None:
    found = documents_of(tmp_path, "a.jsonl", json.dumps(row).encode() + b"\n", "jsonl")
    assert found.accounting["kept"] == 1


FINEWEB = {
    "text": "Bees fly.", "id": "<urn:uuid:1>", "dump": "CC-MAIN-2013-20", "url": "http://x.test/a",
    "date": "2013-05-18T05:13:38Z", "file_path": "s3://x/w.warc.gz", "language": "en", "language_score": 0.97, "token_count": 3,
}  # fmt: skip
REDPAJAMA = {
    "text": "Bees fly.",
    "meta": {"timestamp": "2013-05-18T05:13:38Z", "url": "http://x.test/a", "language": "en", "source": "wikipedia"},
}
REDPAJAMA_2 = {
    "url": "http://x.test/a", "date_download": "2013-05-18T05:13:38Z", "digest": "sha1:X", "raw_content": "Bees fly.",
    "title": "Bees", "cc_segment": "crawl-data/x.wet.gz", "doc_id": "2013-20/0000/en_head.json.gz/7",
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "columns", "key"),
    [
        (FINEWEB, {"language": "language"}, "<urn:uuid:1>"),
        (REDPAJAMA, {"url": "meta.url", "date": "meta.timestamp"}, "a/1"),
        (REDPAJAMA_2, {"text": "raw_content", "id": "doc_id", "date": "date_download"}, REDPAJAMA_2["doc_id"]),
    ],
)
@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_rows_of_published_corpora_are_read_by_their_columns(
    tmp_path: Path, kind: str, row: dict[str, Any], columns: dict[str, str], key: str
) -> None:
    write_parquet(tmp_path / "a.parquet", [row])
    lines = gzip.compress(json.dumps(row).encode() + b"\n")
    content = (tmp_path / "a.parquet").read_bytes() if kind == "parquet" else lines
    found = documents_of(tmp_path / "found", f"a.{kind}", content, kind, columns)
    assert found.accounting == {"in": 1, "kept": 1, "removed": {}, "quarantined": {}}
    document = found.rows[key]
    assert (document["text"], document["url"], document["language"]) == ("Bees fly.", "http://x.test/a", "en")
    assert document["date"] == "2013-05-18T05:13:38Z"


def test_a_row_over_the_cap_costs_itself(tmp_path: Path) -> None:
    rows = [{"text": "first"}, {"text": "word " * 7_000_000}, {"text": "last"}]
    write_parquet(tmp_path / "a.parquet", rows)
    found = documents_of(tmp_path / "p", "a.parquet", (tmp_path / "a.parquet").read_bytes(), "parquet")
    assert found.accounting == {"in": 3, "kept": 2, "removed": {}, "quarantined": {"too_long": 1}}
    assert sorted(found.rows) == ["a/1", "a/3"]


def test_a_row_with_half_a_character_is_quarantined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[tuple[str, dict[str, str]]] = [("0", {"text": "half \ud83d"}), ("1", {"text": "whole \U0001f41d"})]
    monkeypatch.setattr(source_datasets, "_rows", lambda *_: iter(rows))
    source_datasets.write_rows({}, 0, 1, True, tmp_path / "rows.jsonl.zst")
    content = (tmp_path / "rows.jsonl.zst").read_bytes()
    found = documents_of(tmp_path, "rows.jsonl.zst", content, "huggingface")
    assert found.accounting == {"in": 2, "kept": 1, "removed": {}, "quarantined": {"lone_surrogates": 1}}
    assert found.list[0]["text"] == "whole \U0001f41d"
