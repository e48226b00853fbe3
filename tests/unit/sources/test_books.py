from __future__ import annotations

import io
import json
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from scripts.sources.booksplit import split_book
from scripts.sources.charsets import decode_legacy
from scripts.sources.gutenberg import strip_blocks, strip_licence, tidy

from .running import documents_of

HEADER = (
    "The Project Gutenberg EBook of Bees\n\nTitle: Bees\nAuthor: A. Keeper\n\n"
    "*** START OF THIS PROJECT GUTENBERG EBOOK BEES ***\n"
)
FOOTER = "\n*** END OF THIS PROJECT GUTENBERG EBOOK BEES ***\nlicence text and a donation request\n"


def tar_of(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def chapters(count: int, words: int = 300) -> str:
    paragraph = "\n\n".join(" ".join(f"word{n}" for n in range(words)) for _ in range(3))
    return "\n\n\n".join(f"CHAPTER {number}\n\n{paragraph}" for number in range(1, count + 1))


def test_licence_goes_and_is_recorded(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "bees.txt", (HEADER + "Bees fly.\n\nThey hum." + FOOTER).encode(), "books")
    (row,) = found.list
    assert row["id"] == "s:bees/0000"
    assert row["text"] == "Bees fly.\n\nThey hum."
    meta = json.loads(row["meta"])
    assert (meta["title"], meta["author"]) == ("Bees", "A. Keeper")
    assert meta["licence_removed"]["header"] == len(HEADER)
    assert meta["licence_removed"]["footer"] > 50


def test_a_header_says_title_and_language(tmp_path: Path) -> None:
    header = HEADER.replace("Title: Bees\n", "Title: Bees\n       or, The Hive\n").replace(
        "Author", "Language: French\n\nAuthor"
    )
    (row,) = documents_of(tmp_path, "bees.txt", f"{header}Les abeilles volent.{FOOTER}".encode(), "books").list
    assert json.loads(row["meta"])["title"] == "Bees or, The Hive"
    assert row["language"] == "fr"


def test_a_book_without_licence_is_whole() -> None:
    text, licence = strip_licence("Just a book.")
    assert (text, licence.header, licence.footer) == ("Just a book.", 0, 0)


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff", b"%PDF-1.7\n%\xe2\xe3\0stream", tar_of(b"A text.")]
)
def test_what_is_no_text_is_quarantined(tmp_path: Path, content: bytes) -> None:
    found = documents_of(tmp_path, "cover.txt", content, "books")
    assert found.accounting == {"in": 1, "kept": 0, "removed": {}, "quarantined": {"no_text": 1}}


def test_zeros_in_a_text_are_left_out(tmp_path: Path) -> None:
    assert documents_of(tmp_path, "a.txt", b"Bees\0 fly.", "books").list[0]["text"] == "Bees fly."


def test_long_books_are_cut_at_chapters_and_lose_nothing(tmp_path: Path) -> None:
    book = chapters(8)
    found = documents_of(tmp_path, "long.txt", book.encode(), "books", {"max_characters": 15_000})
    pieces = [row["text"] for row in found.list]
    assert len(pieces) > 2
    assert all(len(piece) <= 15_000 for piece in pieces)
    assert all(piece.startswith("CHAPTER") for piece in pieces)
    assert " ".join(" ".join(pieces).split()) == " ".join(book.split())
    assert [row["id"] for row in found.list] == [f"s:long/{n:04d}" for n in range(len(pieces))]


def test_acts_go_before_scenes_and_a_heading_stays_with_its_scene() -> None:
    scene = "\n\n".join(["BEE.\nWho is there? " * 20] * 12)
    scenes = "\n\n".join(f"SCENE {number}\n\n{scene}" for number in ("I", "II"))
    play = f"ACT I\n\n{scenes}\n\nACT II\n\n{scenes}"
    pieces = split_book(play, len(scene) * 2 + 200)
    assert [piece.split("\n")[0] for piece in pieces] == ["ACT I", "ACT II"]
    halves = split_book(play, len(scene) + 100)
    assert [piece.split("\n")[0] for piece in halves] == ["ACT I", "SCENE II", "ACT II", "SCENE II"]
    assert not any(piece.strip().endswith(("SCENE I", "ACT I", "ACT II")) for piece in halves)


def test_a_book_without_borders_is_cut_at_paragraphs_lines_and_at_last_anywhere() -> None:
    lines = "\n".join(["a line of verse"] * 500)
    assert all(len(piece) <= 1000 for piece in split_book(lines, 1000))
    blob = "x" * 5000
    pieces = split_book(blob, 1000)
    assert "".join(pieces) == blob
    assert all(len(piece) <= 1000 for piece in pieces)


def test_a_long_book_is_cut_in_little_memory() -> None:
    text = ("Bees fly from flower to flower and make honey.\n\n" * 20_000).strip()
    tracemalloc.start()
    pieces = split_book(text, 20_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "\n\n".join(pieces) == text
    assert peak < 7 * len(text)  # its blocks, which are short, its pieces and what they are made of


def test_marks_of_the_printed_page_go() -> None:
    assert tidy("Of Mans First Disobedience        10\n............Of Cerberus\n\n\n\n\n\nend") == (
        "Of Mans First Disobedience\n    Of Cerberus\n\n\nend"
    )
    assert tidy("It was 1815 and\nthere were 10") == "It was 1815 and\nthere were 10"


def test_numbers_of_verses_go_and_those_of_tables_stay() -> None:
    verses = "\n".join(f"A line of verse{f'        {number}' if number % 10 == 0 else ''}" for number in range(1, 41))
    assert tidy(verses) == "\n".join(["A line of verse"] * 40)
    table = "Wheat        150\nBarley        85\nOats       1,212\n\nRye          $20\nPeas           5"
    assert tidy(table) == table


def test_numbers_at_the_ends_of_all_lines_take_no_memory() -> None:
    table = "a   5\n" * 100_000
    tracemalloc.start()
    assert tidy(table) == table.strip()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * len(table)


def test_old_encodings_and_line_ends_are_read(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "old.txt", "Caf\u00e9 \u201cbees\u201d\r\nfly\r\n".encode("cp1252"), "books")
    assert found.list[0]["text"] == "Café “bees”\nfly"
    found = documents_of(tmp_path / "bom", "new.txt", "\ufeffCafe\u0301".encode(), "books")
    assert found.list[0]["text"] == "Café"


RUSSIAN = "Это обычный русский текст книги. "
CHARSETS = [
    (RUSSIAN, "cp1251"), (RUSSIAN, "koi8-r"), ("这是一本书的文字。他走在路上，想着自己的事情。", "gbk"),
    ("Příliš žluťoučký kůň úpěl ďábelské ódy. ", "iso8859-2"), ("Szedł drogą i myślał o sobie, a gęś była żółta. ", "iso8859-2"),
    ("L'été était déjà là, où les élèves mangeaient des gâteaux à Noël. ", "cp1252"),
    ("Den gamle mand gik på vejen og så en ræv på øen. ", "cp1252"),
    ("The café was quiet, and she answered “quite so”—then left. ", "cp1252"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "charset"), CHARSETS)
def test_charsets_of_all_countries_are_told_by_the_bytes(text: str, charset: str) -> None:
    assert decode_legacy((text * 40).encode(charset)) == text * 40


def test_a_bad_byte_makes_utf8_no_other_charset() -> None:
    text = "Größe über alles, Пчёлы летают. " * 3
    assert decode_legacy(text.encode() + b"\xff" + text.encode()) == f"{text}\ufffd{text}"


def test_the_one_text_of_a_zip_is_a_book(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.TXT", "Bees fly.")
    found = documents_of(tmp_path, "1.zip", buffer.getvalue(), "books")
    assert {key: row["text"] for key, row in found.rows.items()} == {"1/0000": "Bees fly."}


def test_empty_and_blank_books_are_accounted_for(tmp_path: Path) -> None:
    assert documents_of(tmp_path, "e.txt", b"", "books").accounting["quarantined"] == {"empty_file": 1}
    assert documents_of(tmp_path / "b", "b.txt", b" \n\n ", "books").accounting["removed"] == {"empty": 1}


SMALL_PRINT = (
    "The Project Gutenberg Etext of Bees\n\n***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***\nWhy?\n"
    "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*\n"
)
AUSTRALIA = (
    "Project Gutenberg Australia\n\nTitle: Bees\n* A Project Gutenberg of Australia eBook *\neBook No.: 1.txt\n\n"
    "Project Gutenberg of Australia eBooks are created from printed editions\nin the public domain.\n\n"
    "To contact Project Gutenberg of Australia go to http://gutenberg.net.au\n\n-----------------\n"
)
PROSE = "Bees fly.\n\nEnd of Project Gutenberg was the name of an essay.\n\n" + "They hum.\n" * 200 + "\nThey sleep."


@pytest.mark.parametrize("header", [HEADER, SMALL_PRINT, AUSTRALIA])
@pytest.mark.parametrize(
    "last",
    ["End of Project Gutenberg's Bees", "Fin du Projet Gutenberg de Bees", "Ende dieses Projekt Gutenberg Etextes"],
)
@pytest.mark.parametrize("mark", [FOOTER, "\n"])
def test_headers_and_last_lines_of_all_times_go_and_no_more(header: str, last: str, mark: str) -> None:
    text, licence = strip_licence(f"{header}\n{PROSE}\n\n{last}\n{mark}")
    assert text.strip() == PROSE
    assert licence.header >= len(header)
    blocks, licence = strip_blocks([(part, None) for part in f"{header}\n{PROSE}\n\n{last}\n{mark}".split("\n\n")])
    assert "\n\n".join(part for part, _ in blocks).strip() == PROSE
    assert licence.header >= len(header)
