"""Dumps of Stack Exchange, whole and broken."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import py7zr
import pytest

from scripts.sources import sevenzip
from scripts.sources.readers import stackexchange

from .running import Extracted, documents_of, run_extract, run_fetch


def xml_row(**attributes: object) -> str:
    return "  <row " + " ".join(f"{name}={quoteattr(str(value))}" for name, value in attributes.items()) + " />"


def question(number: int, title: str, body: str, **more: object) -> str:
    return xml_row(Id=number, PostTypeId=1, Title=title, Body=body, **more)


def answer(number: int, parent: int, body: str, score: int = 0, **more: object) -> str:
    return xml_row(Id=number, PostTypeId=2, ParentId=parent, Body=body, Score=score, **more)


def posts_xml(rows: Sequence[str]) -> bytes:
    return ('\ufeff<?xml version="1.0" encoding="utf-8"?>\n<posts>\n' + "\n".join(rows) + "\n</posts>").encode()


SITE = [
    question(2, "Why?", "<p>It is <b>so</b>.</p>", Score=5, AcceptedAnswerId=12, CreationDate="2014-01-21T20:26:05.383",
             Tags="<bees><honey-comb>"),
    answer(10, 2, "<p>ten</p>", 3),
    answer(11, 2, "<p>eleven</p>", 7),
    answer(12, 2, "<p>twelve</p>", 3),
    answer(9, 2, "<p>nine</p>", 3),
    answer(13, 99, "<p>lost</p>"),
    answer(14, 2, " "),
    xml_row(Id=15, PostTypeId=5, Body="<p>a wiki of a tag</p>"),
    question(16, "Pipes", "<p>x</p>", Score=-2, Tags="|a|b|"),
]  # fmt: skip


def test_answers_of_the_site_itself_are_by_a_program(tmp_path: Path) -> None:
    rows = [question(1, "Why?", "So.", OwnerUserId=-1), answer(2, 1, "By one.")]
    rows.append(xml_row(Id=3, PostTypeId=2, ParentId=1, Body="Bump.", OwnerUserId=-1))
    found = documents_of(tmp_path, "Posts.xml", posts_xml(rows), "social")
    assert found.rows["1"]["text"] == "Why?\n\nSo.\n\nBy one."
    assert found.accounting["removed"] == {"bot": 1}


def test_a_question_is_followed_by_its_answers_best_first(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "Posts.xml", posts_xml(SITE), "social")
    assert sorted(found.rows) == ["16", "2"]
    row = found.rows["2"]
    assert row["text"] == "Why?\n\nIt is so.\n\neleven\n\ntwelve\n\nnine\n\nten"
    assert (row["url"], row["date"]) == (None, "2014-01-21T20:26:05.383")
    described = {"file": "Posts.xml", "title": "Why?", "score": 5, "answers": 4, "tags": ["bees", "honey-comb"]}
    assert json.loads(row["meta"]) == described
    assert json.loads(found.rows["16"]["meta"])["tags"] == ["a", "b"]
    removed = {"question_missing": 1, "empty": 1, "other_post_type": 1}
    assert found.accounting == {"in": 5, "kept": 2, "removed": removed, "quarantined": {}}


def test_posts_of_low_score_go_with_what_hangs_on_them(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "Posts.xml", posts_xml(SITE), "social", {"min_score": 4})
    assert found.rows["2"]["text"] == "Why?\n\nIt is so.\n\neleven"
    assert found.accounting["removed"] == {"empty": 1, "other_post_type": 1, "low_score": 5}
    found = documents_of(tmp_path / "q", "Posts.xml", posts_xml(SITE), "social", {"min_score": 6})
    assert found.accounting["removed"] == {"question_missing": 1, "empty": 1, "other_post_type": 1, "low_score": 6}
    assert len(documents_of(tmp_path / "n", "Posts.xml", posts_xml(SITE), "social", {"min_score": None}).list) == 2


BROKEN_ROWS = [
    ("invalid_utf8", question(3, "Q", "caf@").encode().replace(b"@", b"\xe9")),
    ("malformed_xml", b'  <row Id="3" PostTypeId="1" Body="cut'),
    ("malformed_xml", b'  <row Id="3" PostTypeId="1" Body="&bomb;" />'),
    ("malformed_xml", b"<!ENTITY bomb 'boom'>"),
    ("malformed_xml", b"  words"),
    ("no_identifier", xml_row(PostTypeId=1, Body="<p>x</p>").encode()),
    ("no_identifier", xml_row(Id="9" * 30, PostTypeId=1, Body="<p>x</p>").encode()),
    ("duplicate_id", question(16, "Pipes", "<p>y</p>").encode()),
    ("too_deep", question(3, "Q", "<div>" * 100_000 + "deep").encode()),
    ("too_long_or_cut", question(3, "Q", "x" * (33 << 20)).encode()),
]


@pytest.mark.parametrize(("reason", "line"), BROKEN_ROWS)
def test_a_broken_row_is_quarantined_alone(tmp_path: Path, reason: str, line: bytes) -> None:
    lines = posts_xml(SITE).split(b"\n")
    found = documents_of(tmp_path, "Posts.xml", b"\n".join([*lines[:4], line, *lines[4:]]), "social")
    assert found.accounting["quarantined"] == {reason: 1}
    assert (found.accounting["in"], sorted(found.rows)) == (6, ["16", "2"])
    assert found.rows["2"]["text"].endswith("ten")


def test_a_cut_dump_keeps_what_came_before(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "Posts.xml", b"\n".join(posts_xml(SITE).split(b"\n")[:5]), "social")
    assert found.rows["2"]["text"] == "Why?\n\nIt is so.\n\neleven\n\nten"
    assert found.accounting["quarantined"] == {"truncated": 1}


def packed(members: dict[str, bytes], **options: object) -> bytes:
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w", **options) as archive:  # type: ignore[arg-type]
        for name, content in members.items():
            archive.writestr(content, name)
    return target.getvalue()


MEMBERS = {"Badges.xml": b"<badges>\n</badges>", "Posts.xml": posts_xml(SITE), "Users.xml": b"<users>\n</users>"}


def test_posts_are_found_in_the_archive_of_a_site(tmp_path: Path) -> None:
    plain = documents_of(tmp_path / "plain", "Posts.xml", posts_xml(SITE), "social")
    found = documents_of(tmp_path, "bees.stackexchange.com.7z", packed(MEMBERS), "social")
    assert found.accounting == plain.accounting
    for one, other in zip(found.list, plain.list, strict=True):
        assert one["id"] == other["id"].replace("s:", "s:bees.stackexchange.com/")
        assert one["meta"].replace("bees.stackexchange.com.7z", "Posts.xml") == other["meta"]
        assert one | {"id": "", "meta": ""} == other | {"id": "", "meta": ""}


QUESTION, ANSWER = question(1, "Why?", "<p>So.</p>"), answer(2, 1, "<p>By one.</p>")
FORMS = {
    "all on one line": f"<?xml version='1.0'?><posts>{QUESTION}{ANSWER}</posts>",
    "the end behind the last row": f"<posts>\n{QUESTION}\n{ANSWER}</posts>",
    "rows over several lines": f"<posts>\n{QUESTION.replace(' Body', chr(10) + '    Body')}\n{ANSWER}\n</posts>",
    "elements with an end": f"<posts>{QUESTION.replace(' />', '></row>')}\n{ANSWER.replace(' />', '></row>')}\n</posts>",
}


@pytest.mark.parametrize("form", FORMS)
def test_rows_need_no_lines_of_their_own(tmp_path: Path, form: str) -> None:
    found = documents_of(tmp_path, "Posts.xml", FORMS[form].encode(), "social")
    assert found.accounting == {"in": 1, "kept": 1, "removed": {}, "quarantined": {}}
    assert found.rows["1"]["text"] == "Why?\n\nSo.\n\nBy one."


def test_a_dump_without_lines_is_read_however_long_it_is(tmp_path: Path) -> None:
    rows = [question(n, f"Why {n}?", "<p>" + "so " * 400_000 + f"{n}</p>") for n in range(1, 31)]
    found = documents_of(tmp_path, "Posts.xml", f"<posts>{''.join(rows)}</posts>".encode(), "social")
    assert found.accounting == {"in": 30, "kept": 30, "removed": {}, "quarantined": {}}


def test_a_row_that_goes_on_in_blank_lines_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stackexchange, "MAX_RECORD_BYTES", 1 << 16)
    dump = tmp_path / "Posts.xml"
    dump.write_bytes(gzip.compress(b'<posts>\n<row Id="1"' + b"\n" * 1_500_000 + f"{QUESTION}\n</posts>".encode()))
    tracemalloc.start()
    try:
        found = list(stackexchange.read(dump, "Posts.xml", {}))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [getattr(one, "reason", "kept") for one in found] == ["malformed_xml", "kept"]
    assert peak < 8 << 20


def test_questions_of_two_sites_are_told_apart(tmp_path: Path) -> None:
    for site in ("bees.example", "wasps.example"):
        (tmp_path / "in" / site).mkdir(parents=True)
        (tmp_path / "in" / site / "Posts.xml").write_bytes(posts_xml([question(1, site, "<p>So.</p>")]))
    (tmp_path / "in" / "ants.example.7z").write_bytes(packed({"Posts.xml": posts_xml([question(1, "ants", "So.")])}))
    files = [{"path": f"{tmp_path}/in/*/Posts.xml"}, {"path": f"{tmp_path}/in/*.7z"}]
    code, raw = run_fetch(tmp_path, files)
    assert code == 0
    code, manifest = run_extract(raw, "social")
    assert code == 0
    assert sorted(Extracted(manifest).rows) == ["ants.example/1", "bees.example/1", "wasps.example/1"]


def test_the_licences_of_the_posts_are_those_of_the_document(tmp_path: Path) -> None:
    rows = [
        question(1, "Why?", "So.", ContentLicense="CC BY-SA 4.0"),
        answer(2, 1, "By one.", ContentLicense="CC BY-SA 3.0"),
        question(3, "How?", "So.", ContentLicense="CC BY-SA 4.0"),
        question(4, "When?", "Then."),
    ]
    found = documents_of(tmp_path, "Posts.xml", posts_xml(rows), "social")
    licenses = {key: row["license"] for key, row in found.rows.items()}
    assert licenses == {"1": "CC-BY-SA-3.0 and CC-BY-SA-4.0", "3": "CC-BY-SA-4.0", "4": "declared"}


@pytest.mark.parametrize(
    ("reason", "content"),
    [
        ("no_such_member", packed({"Users.xml": b"<users/>"})),
        ("ambiguous_member", packed({"a/Posts.xml": b"<posts/>", "b/Posts.xml": b"<posts/>"})),
        ("encrypted_archive", packed(MEMBERS, password="secret")),
        ("damaged_archive", packed(MEMBERS)[:-20]),
        ("damaged_archive", sevenzip.MAGIC + b"\xff" * 200),
    ],
)
def test_an_archive_that_gives_no_posts_says_why(tmp_path: Path, reason: str, content: bytes) -> None:
    found = documents_of(tmp_path, "site.7z", content, "social")
    assert found.accounting == {"in": 1, "kept": 0, "removed": {}, "quarantined": {reason: 1}}


def test_an_archive_that_swells_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sevenzip, "RATIO_APPLIES_FROM", 1 << 20)
    bomb = posts_xml([*SITE, *[question(n, "Q", "x" * 50_000) for n in range(100, 400)]])
    found = documents_of(tmp_path, "site.7z", packed({"Posts.xml": bomb}), "social")
    assert found.accounting["quarantined"]["compression_bomb"] == 1


@pytest.mark.parametrize(("site", "questions", "answers"), [("beer", 663, 1572), ("coffee", 225, 327)])
def test_real_dumps_are_read_whole(tmp_path: Path, shared_data: Path, site: str, questions: int, answers: int) -> None:
    content = (shared_data / f"stackexchange-{site}" / "Posts.xml").read_bytes()
    found = documents_of(tmp_path, "Posts.xml", content, "social")
    assert found.accounting["kept"] == questions
    assert sum(json.loads(row["meta"])["answers"] for row in found.list) == answers
    assert list(found.accounting["removed"]) == ["other_post_type"]
    assert found.accounting["quarantined"] == {}
    if site == "beer":
        assert found.rows["1"]["text"] == (
            "What is a citra hop, and how does it differ from other hops?\n\n"
            "I was offered a beer the other day that was reportedly made with citra hops. What are citra hops? "
            "Why should I care that my beer is made with them?\n\n"
            "Citra is a registered trademark since 2007. Citra Brand hops have fairly high alpha acids and total oil "
            "contents with a low percentage of cohumulone content and imparts interesting citrus and tropical fruit "
            "characters to beer.\n\n"
            "For more information, you can read the Wikipedia article on the Citra brand."
        )
        assert json.loads(found.rows["1"]["meta"]) == {
            "title": "What is a citra hop, and how does it differ from other hops?",
            "score": 18, "answers": 1, "tags": ["hops"], "file": "Posts.xml",
        }  # fmt: skip
