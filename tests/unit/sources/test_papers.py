"""Archives of LaTeX papers as arXiv has them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from scripts.sources import papers
from scripts.sources.latexpapers import main_file
from scripts.sources.local import local_listing
from scripts.sources.papers import paper_key

from .running import Extracted, documents_of, run_extract, run_fetch
from .test_academic import ARTICLE, MEDLINE, SHOWN


def paper(body: str) -> str:
    return f"\\documentclass{{article}}\\begin{{document}}{body}\\end{{document}}"


def tar(members: dict[str, str | bytes], kind: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def extracted(root: Path, name: str, content: bytes) -> Extracted:
    return documents_of(root, name, content, "academic")


def text_of(root: Path, members: dict[str, str | bytes], key: str = "2101.00001") -> str:
    return str(extracted(root, f"{key}.tar.gz", gzip.compress(tar(members))).rows[key]["text"])


@pytest.mark.parametrize(
    ("origin", "key"),
    [
        ("2101.00001.gz", "2101.00001"), ("a/2101/2101.00001v2.tar.gz", "2101.00001v2"), ("x/main.tex", "x/main"),
        ("0001/astro-ph0001001.gz", "astro-ph0001001"), ("math.AG0301001.tar", "math.AG0301001"), ("a/b.tar", "a/b"),
    ],
)  # fmt: skip
def test_keys_are_identifiers(origin: str, key: str) -> None:
    assert paper_key(origin) == key


def test_one_file_is_a_paper(tmp_path: Path) -> None:
    found = extracted(tmp_path, "2101.00001.gz", gzip.compress(paper("Bees fly.").encode()))
    assert found.rows["2101.00001"]["text"] == "Bees fly."
    assert found.rows["2101.00001"]["date"] is None


def test_inputs_with_other_suffixes_are_not_missing(tmp_path: Path) -> None:
    members: dict[str, str | bytes] = {
        "ms.tex": paper(
            r"\input{body.text} Wasps. \input{a.pgf}\begin{figure}\input{b.tikz}\end{figure} Ants. \input{c.pgf}"
        ),
        "body.text": "Bees.",
        "a.pgf": r"\pgfpathmoveto{x}" * 1_000_000,
        "b.tikz": r"\draw (0,0);",
    }
    row = extracted(tmp_path, "2101.00001.tar", tar(members)).rows["2101.00001"]
    assert row["text"] == "Bees. Wasps. Ants."
    assert json.loads(row["meta"])["missing"] == ["c.pgf"]


def test_a_tar_is_a_paper_with_its_inputs(tmp_path: Path) -> None:
    main = paper(
        r"\title{Bees}\input{sec/one}\include{sec/Two}\import{sec/}{three.tex}\input gone \input{sec/one}\input{../../x}"
    )
    members: dict[str, str | bytes] = {
        "src/ms.tex": main.replace(r"\begin", r"\usepackage{mine}\begin", 1),
        "src/mine.sty": r"\newcommand{\bee}{Apis}\def\private{\@bee}",
        "src/sec/one.tex": r"One \bee. \input{sec/one}",
        "src/sec/Two.tex": "Two.",
        "src/sec/two.tex": "wrong case",
        "src/sec/three.tex": r"Three.\input{four}",
        "src/sec/four.tex": "Four.",
        "src/fig.pdf": b"%PDF",
    }
    found = extracted(tmp_path, "2101.00001.tar", tar(members))
    assert found.rows["2101.00001"]["text"] == "Bees\n\nOne Apis.\n\nTwo. Three.Four. One Apis."
    meta = json.loads(found.rows["2101.00001"]["meta"])
    assert meta["missing"] == ["gone", "../../x"]
    assert meta["files"] == [
        "src/ms.tex",
        "src/mine.sty",
        *(f"src/sec/{n}.tex" for n in ("one", "Two", "three", "four")),
    ]


@pytest.mark.parametrize(
    ("files", "main"),
    [
        ({"a.tex": paper("x"), "b.tex": "longer " * 99}, "a.tex"),
        ({"a.tex": paper("x"), "b.tex": paper(r"\subfile{a}")}, "b.tex"),
        ({"a.tex": paper("x" * 99), "ms.tex": paper("x")}, "ms.tex"),
        ({"a.tex": paper("x"), "b.tex": paper("xx")}, "b.tex"),
        ({"b.tex": paper("x"), "a.tex": paper("x")}, "a.tex"),
        ({"a.tex": paper("x"), "ms.tex": paper("x"), "00README.XXX": "a.tex toplevelfile\n"}, "a.tex"),
        ({"a.tex": paper("x"), "b.tex": paper("xx"),
          "00README.json": '{"sources": [{"usage": "toplevel", "filename": "a.tex"}]}'}, "a.tex"),
        ({"a.tex": "% \\documentclass{x}", "b.tex": "\\documentstyle{x}\\begin{document}"}, "b.tex"),
        ({"ch2.tex": "x", "ch1.tex": "y"}, "ch1.tex"),
        ({"refs.bib": "x", "x.sty": "y"}, None),
    ],
)  # fmt: skip
def test_the_main_file_is_found(files: dict[str, str], main: str | None) -> None:
    assert main_file(files) == main
    assert main_file(dict(reversed(files.items()))) == main


def test_a_tar_of_papers_gives_each(tmp_path: Path) -> None:
    damaged = gzip.compress(paper("Lost.").encode())[:-12]
    bomb = gzip.compress(b"\\section{a}" + b"a" * (100 << 20))
    content = tar({
        "2101/2101.00001.gz": gzip.compress(paper("One.").encode()),
        "2101/2101.00002.tar.gz": gzip.compress(tar({"main.tex": paper(r"\input{b}"), "b.tex": "Two."})),
        "2101/2101.00003.pdf": b"%PDF-1.4",
        "2101/2101.00004.gz": damaged,
        "2101/2101.00005.gz": gzip.compress(b"%!PS-Adobe"),
        "2101/2101.00006.gz": gzip.compress(b"%auto-ignore\nThis paper has been withdrawn."),
        "2101/2101.00007.gz": gzip.compress(paper("This paper has been withdrawn by the author.").encode()),
        "2101/2101.00008.gz": b"",
        "2101/2101.00009.gz": gzip.compress(tar({"fig.eps": "x", "paper.html": "x"})),
        "2101/2101.00010.gz": bomb,
        "2101/2101.00011.gz": gzip.compress(paper(r"\def\x{\x\x}\x").encode()),
        "2101/2101.00012.gz": gzip.compress(paper("\\section{}").encode()),
        "2101/2101.00013.gz": gzip.compress(paper("Last.").encode()),
    })  # fmt: skip
    found = extracted(tmp_path, "arXiv_src_2101_001.tar", content)
    assert {key: row["text"] for key, row in found.rows.items()} == {
        "2101.00001": "One.", "2101.00002": "Two.", "2101.00013": "Last."
    }  # fmt: skip
    assert found.accounting["removed"] == {
        "pdf_only": 1, "postscript_only": 1, "withdrawn": 2, "empty": 1, "no_tex": 1, "no_text": 1
    }  # fmt: skip
    assert found.accounting["quarantined"] == {"truncated": 1, "too_long": 1, "macro_bomb": 1}
    assert found.accounting["in"] == 13


def test_packed_figures_do_not_make_papers_of_a_paper(tmp_path: Path) -> None:
    assert text_of(tmp_path, {"fig.eps.gz": gzip.compress(b"%!PS"), "main.tex": paper("Bees.")}) == "Bees."


def test_a_cut_tar_keeps_its_whole_papers(tmp_path: Path) -> None:
    members: dict[str, str | bytes] = {
        f"2101.0000{n}.gz": gzip.compress(paper(f"Paper {n}.").encode()) for n in range(4)
    }
    whole = tar(members)
    found = extracted(tmp_path / "a", "x.tar", whole[: 2 * 1024 + 550])
    assert (found.accounting["kept"], found.accounting["quarantined"]) == (2, {"truncated": 1})
    damaged = whole[:1024] + b"\xff" * 512 + whole[1536:]
    assert extracted(tmp_path / "b", "x.tar", damaged).accounting["quarantined"] == {"damaged_tar": 1}


def test_links_and_names_lead_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret.tex"
    secret.write_text("SECRET")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, target in (("link.tex", str(secret)), ("../up.tex", "../../secret.tex")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
        for name, data in (
            ("main.tex", paper(rf"Bees.\input{{link}}\input{{{secret}}}\input{{../up}}\input{{/abs}}").encode()),
            ("/abs.tex", b"Flies."),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    found = extracted(tmp_path, "p.tar", buffer.getvalue())
    assert "SECRET" not in found.rows["p"]["text"]
    assert not (tmp_path / "abs.tex").exists()
    assert "link" in json.loads(found.rows["p"]["meta"])["missing"]


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names_and_odd_bytes(tmp_path: Path, kind: int) -> None:
    name = "é" * 20 + "/" + "n" * 90 + "/main.tex"
    assert extracted(tmp_path, "p.tar", tar({name: paper("Bees."), "a/x.txt": ""}, kind)).rows["p"]["text"] == "Bees."


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members: dict[str, str | bytes] = {"main.tex": paper("Bees."), "b.tex": "x" * 600, "c.tex": "x" * 600}
    for name, value, reason in (
        ("MAX_PAPER_BYTES", 1_000, "too_long"),
        ("MAX_PAPER_FILES", 2, "too_many_files"),
        ("MAX_MEMBERS", 2, "too_many_members"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(papers, name, value)
            found = extracted(tmp_path / name, "p.tar", tar(members))
            assert found.accounting["quarantined"] == {reason: 1}
    monkeypatch.setattr(papers, "MAX_FILE_BYTES", 300)
    assert extracted(tmp_path / "one", "p.tar", tar(members)).rows["p"]["text"] == "Bees."


def test_a_header_that_lies_takes_no_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("path")
    info.type, info.size = tarfile.XHDTYPE, 1 << 40
    found = extracted(tmp_path, "p.tar", info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 4096)
    assert found.accounting["quarantined"] == {"truncated": 1}


def test_what_is_no_paper_goes_by_reason(tmp_path: Path) -> None:
    for number, (content, reason) in enumerate([
        (b"%PDF-1.4 x", "pdf_only"), (b"%!PS x", "postscript_only"), (tar({"x.png": b"\x89PNG\0"}), "no_tex"),
        (b"\0" * 10240, "empty"), (b"%auto-ignore\n", "withdrawn"),
    ]):  # fmt: skip
        assert extracted(tmp_path / str(number), "p", content).accounting["removed"] == {reason: 1}


def test_a_folder_is_a_paper_too(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "paper"
    (folder / "sections").mkdir(parents=True)
    (folder / "main.tex").write_text(
        "\\documentclass{article}\\begin{document}\\section{Bees}\\input{sections/one}\\end{document}"
    )
    (folder / "sections" / "one.tex").write_text("They fly from flower to flower.")
    files = [{"path": str(folder)}]
    listing = local_listing({"package": None, "files": files}, 0, 1)
    assert [name for name, _ in listing or []] == ["paper.tar/main.tex", "paper.tar/sections/one.tex"]
    made = []
    for _ in range(2):
        code, raw = run_fetch(tmp_path, files)
        assert code == 0
        made.append(raw.read_bytes())
        (folder / "main.tex").touch()
    assert made[0] == made[1]
    code, manifest = run_extract(raw, "academic")
    assert code == 0
    (row,) = Extracted(manifest).list
    assert row["id"] == "s:paper"
    assert row["text"].endswith("They fly from flower to flower.")


def test_articles_in_xml_may_be_packed(tmp_path: Path) -> None:
    second = ARTICLE.replace("10.1/x", "10.1/y")
    package = tar({"PMC1/a.nxml": ARTICLE, "PMC1/a.pdf": b"%PDF-1.4", "PMC1/f.jpg": b"\xff\xd8", "PMC1/data.csv": "1"})
    found = extracted(tmp_path / "one", "PMC1.tar.gz", gzip.compress(package))
    assert (list(found.rows), found.accounting["in"]) == (["10.1/x"], 1)
    assert found.rows["10.1/x"]["text"] == SHOWN
    many = tar(
        {"PMC/1.xml": ARTICLE, "PMC/2.xml": second[:-60], "PMC/3.xml": "", "m.xml.gz": gzip.compress(MEDLINE.encode())}
    )
    found = extracted(tmp_path / "many", "oa.tar.gz", gzip.compress(many))
    assert sorted(found.rows) == ["1", "10.1/x"]
    assert found.accounting["removed"] == {"empty": 1, "no_abstract": 1}
    assert [(entry["reason"], entry["position"].partition(" ")[0]) for entry in found.quarantine] == [
        ("truncated", "PMC/2.xml")
    ]


@pytest.mark.parametrize("main", ["ms", "ms.tex"])
def test_a_picture_in_xml_makes_no_articles_of_a_paper(tmp_path: Path, main: str) -> None:
    found = extracted(tmp_path, "p.tar", tar({main: paper("Bees."), "fig.xml": "<svg/>"}))
    assert ({key: row["text"] for key, row in found.rows.items()}, found.accounting["in"]) == ({"p": "Bees."}, 1)


@pytest.mark.parametrize("beside", [{"supp.tex": paper("Supplement.")}, {"LICENSE": "CC BY"}])
def test_an_article_in_xml_is_one_beside_other_files(tmp_path: Path, beside: dict[str, str | bytes]) -> None:
    name = "a.nxml" if "supp.tex" in beside else "a.xml"
    found = extracted(tmp_path, "PMC1.tar", tar({name: ARTICLE, **beside}))
    assert (list(found.rows), found.accounting["in"]) == (["10.1/x"], 1)


def test_suffixes_without_end_take_no_memory(tmp_path: Path) -> None:
    members: dict[str, str | bytes] = {f"f.{number}{'x' * 60_000}": "" for number in range(200)}
    archive = tmp_path / "p.tar"
    archive.write_bytes(tar(members | {"main.tex": paper("Bees.")}))
    tracemalloc.start()
    try:
        (found,) = papers.read_papers(archive, "p.tar")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(found, papers.Paper)
    assert list(found.files) == ["main.tex"]
    assert peak < 4 << 20


def test_a_folder_of_articles_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "articles"
    folder.mkdir(parents=True)
    (folder / "a.xml").write_text(ARTICLE)
    (folder / "b.nxml").write_text(ARTICLE.replace("10.1/x", "10.1/y"))
    code, raw = run_fetch(tmp_path, [{"path": str(folder)}])
    assert code == 0
    code, manifest = run_extract(raw, "academic")
    assert code == 0
    assert sorted(Extracted(manifest).rows) == ["10.1/x", "10.1/y"]
