from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from scripts.sources.dumps import cut_streams
from scripts.sources.readers.wikipedia import is_disambiguation, is_redirect
from scripts.sources.wikitext import clean_wikitext

from .running import documents_of

HEAD = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/" xml:lang="en"><siteinfo>\n<base>https://x.test/wiki/Main</base></siteinfo>'


def page(identifier: int, title: str, text: str, namespace: int = 0, extra: str = "") -> str:
    return (
        f"<page><title>{escape(title)}</title><ns>{namespace}</ns><id>{identifier}</id>{extra}<revision><id>9</id>"
        f"<timestamp>2016-04-22T10:19:33Z</timestamp><text>{escape(text)}</text></revision></page>\n"
    )


PAGES = [
    page(1, "Bee & honey", "'''Bees''' make [[honey]].{{cite|x}}"),
    page(2, "Old", "#REDIRECT [[New]]", extra='<redirect title="New"/>'),
    page(3, "Talk:Bee", "talk", namespace=1),
    page(4, "Mercury", "Mercury may be:\n* [[Mercury (planet)]]\n{{disambiguation}}"),
    page(5, "Only a box", "{{Infobox|name=x}}"),
    page(6, "Wasp", "Wasps do not."),
]
DUMP = (HEAD + "".join(PAGES) + "</mediawiki>").encode()
REMOVED = {"redirect": 1, "namespace": 1, "disambiguation": 1, "no_prose": 1}


@pytest.mark.parametrize(("name", "pack"), [("d.xml", bytes), ("d.xml.bz2", bz2.compress), ("d.xml.gz", gzip.compress)])
def test_articles_become_prose_and_the_rest_goes_by_reason(tmp_path: Path, name: str, pack: object) -> None:
    found = documents_of(tmp_path, name, pack(DUMP), "wikipedia")  # type: ignore[operator]
    assert found.accounting == {"in": 6, "kept": 2, "removed": REMOVED, "quarantined": {}}
    bee = found.rows["1"]
    assert bee["text"] == "Bee & honey\n\nBees make honey."
    assert bee["url"] == "https://x.test/wiki/Bee_%26_honey"
    assert (bee["date"], bee["language"], bee["license"]) == ("2016-04-22T10:19:33Z", "en", "declared")


def test_every_stream_of_a_multistream_dump_is_read(tmp_path: Path) -> None:
    pieces = [HEAD.encode(), *("".join(PAGES[i : i + 2]).encode() for i in (0, 2, 4)), b"</mediawiki>"]
    found = documents_of(tmp_path, "m.xml.bz2", b"".join(map(bz2.compress, pieces)), "wikipedia")
    assert sorted(found.rows) == ["1", "6"]


def test_options_keep_namespaces_and_disambiguation_pages(tmp_path: Path) -> None:
    options = {"namespaces": [0, 1], "disambiguation": True}
    found = documents_of(tmp_path, "d.xml", DUMP, "wikipedia", options)
    assert sorted(found.rows) == ["1", "3", "4", "6"]


NAMES = (
    '<namespaces><namespace key="-2">Meedium</namespace><namespace key="0" /><namespace key="2">Pruukja</namespace>'
    '<namespace key="6">Pilt</namespace><namespace key="14">Katõgooria</namespace></namespaces>'
)
VORO = HEAD.replace("</siteinfo>", NAMES + "</siteinfo>")


def test_a_dump_says_what_the_namespaces_of_its_wiki_are_called(tmp_path: Path) -> None:
    text = "Mehiläne[[Pilt :A.jpg|pisi|Mesi]] and [[Meedium:B.ogg|kullõq]][[File:C.jpg|thumb|c]] lindas.\n[[Katõgooria:Eläjäq]]"
    titles = ["Mehiläne", "Pruukja:A", "talk:B", "A: b"]
    old = "".join(page(n, title, text).replace("<ns>0</ns>", "") for n, title in enumerate(titles))
    streams = [bz2.compress(stream.encode()) for stream in (VORO, PAGES[0], old, "</mediawiki>")]
    (tmp_path / "d.bz2").write_bytes(b"".join(streams))
    (tmp_path / "index").write_text(f"{len(streams[0])}:1:A\n{len(streams[0] + streams[1])}:2:B\n")
    cut_streams(tmp_path / "d.bz2", tmp_path / "index", 1, 2, tmp_path / "part")
    found = documents_of(tmp_path, "part.xml.bz2", (tmp_path / "part").read_bytes(), "wikipedia")
    assert found.accounting == {"in": 4, "kept": 2, "removed": {"namespace": 2}, "quarantined": {}}
    assert {key: row["text"] for key, row in found.rows.items()} == {
        "0": "Mehiläne\n\nMehiläne and lindas.", "3": "A: b\n\nMehiläne and lindas.",
    }  # fmt: skip


def test_pages_that_are_no_wikitext_are_none(tmp_path: Path) -> None:
    json_page = page(1, "Data", "{}").replace("<text>", "<model>json</model><format>application/json</format><text>")
    wiki_page = page(2, "Bee", "Bees fly.").replace(
        "<text>", "<model>wikitext</model><format>text/x-wiki</format><text>"
    )
    found = documents_of(tmp_path, "d.xml", (HEAD + json_page + wiki_page + "</mediawiki>").encode(), "wikipedia")
    assert found.accounting == {"in": 2, "kept": 1, "removed": {"no_wikitext": 1}, "quarantined": {}}


@pytest.mark.parametrize(
    "mark",
    [
        "__DISAMBIGUATION__",
        "{{Rozcestník}}",
        "{{Anlam ayrımı}}",
        "{{פירושונים}}",
        "{{egyért|a}}",
        "{{định hướng}}",
        "{{Багатозначність}}",
    ],
)
def test_lists_of_meanings_are_known_in_many_languages(mark: str) -> None:
    assert is_disambiguation("Merkur", f"Merkur:\n* [[Merkur (a)]]\n\n{mark}")


def test_a_cut_dump_keeps_the_whole_pages_and_says_where_it_ends(tmp_path: Path) -> None:
    packed = bz2.compress(DUMP.replace(b"</mediawiki>", b"") + page(7, "Long", "word " * 9000).encode())
    found = documents_of(tmp_path, "cut.xml.bz2", packed[:-20], "wikipedia")
    cut = DUMP[: DUMP.index(b"<title>Wasp")]
    plain = documents_of(tmp_path / "plain", "cut.xml", cut, "wikipedia")
    assert found.accounting["quarantined"] == {"truncated": 1}
    assert plain.accounting == {"in": 6, "kept": 1, "removed": REMOVED, "quarantined": {"truncated": 1}}


def test_entities_are_never_expanded_and_nothing_outside_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    doctype = f'<!DOCTYPE m [<!ENTITY l0 "lol">{lol}<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    text = page(1, "A", "before TOKEN after").replace("TOKEN", "&l8;&x;")
    dump = (doctype + HEAD + text + "</mediawiki>").encode()
    found = documents_of(tmp_path, "x.xml", dump, "wikipedia")
    shown = "".join(row["text"] for row in found.list)
    assert "SECRET" not in shown
    assert "lollol" not in shown
    assert found.accounting["in"] == 1


@pytest.mark.parametrize(
    ("wikitext", "shown"),
    [
        ("a<ref name=x>note {{cite|y}}</ref> b<ref name=x /> c", "a b c"),
        ("[[File:x.jpg|thumb|A [[bee]] at [[work]]]]Text [[Category:Bees]]", "Text"),
        ("see [[honey|sweet honey]]s and [[bee]]s", "see sweet honeys and bees"),
        ("[http://x.test the site] and [http://x.test]", "the site and"),
        ("before\n{| class=x\n|-\n| cell\n{|\n| inner\n|}\n|}\nafter", "before\n\nafter"),
        ("== Life ==\ntext\n== References ==\n* one\n== Empty ==\n", "Life\n\ntext"),
        ("* one\n* two\n# three\n:indented", "- one\n- two\n- three\nindented"),
        ("a {{convert|5|km|mi}} walk, {{lang|fr|mot}}, {{nowrap|x y}} {{unknown|z}}", "a 5 km walk, mot, x y"),
        ("'''''bold''''' and ''it'', it's", "bold and it, it's"),
        ("x<sub>2</sub> <math>\\frac{a}{b}</math> H<sub>i</sub>", "x₂ $\\frac{a}{b}$ Hi"),
        ("Тест ([[ру|русский]]: ''тест'')", "Тест (русский: тест)"),
        ("<nowiki>[[not a link]]</nowiki>", "[[not a link]]"),
        ("a &amp; b&nbsp;c &lt;i&gt;", "a & b c <i>"),
        ("unclosed {{template|x\nnext [[link", "unclosed template|x\nnext link"),
        ("Bees ({{IPA|x}}; {{lang|la|apis}}) fly", "Bees (apis) fly"),
        (
            "See [[#Life]] or [[Bee#Life]]; http://x.test/?a=1&copy=2 &copy; 2<sup>n</sup>, 1<sup>st</sup>",
            "See #Life or Bee#Life; http://x.test/?a=1&copy=2 © 2^n, 1st",
        ),
        ("[[تصویر:a.jpg|thumb|b]][[그림:a.jpg|c]]{{rtl-lang|he|שלום}} {{flag|France}}", "שלום France"),
        ("a <table class=x><tr><td>cell<table><tr><td>in</td></tr></table></td></tr></table> b", "a b"),
        ("a\n{|\n| <TABLE><tr><td>in\n|}\nb <table> c\n{|\n| d\n|}\ne", "a\n\nb\nc\n\ne"),
        ("<table>\n<tr><td>\n{|\n| in\n</table>\nb<includeonly> c</includeonly>", "b"),
    ],
)
def test_wikitext_reads_as_the_page_does(wikitext: str, shown: str) -> None:
    assert clean_wikitext(wikitext).strip() == shown


VARIANTS = [
    ("用-{zh-hans:计算机;zh-hant:電腦;}-。", "用计算机。"),
    ("-{zh-hant:電腦&nbsp;A;zh-hans:计算机}-", "電腦 A"),
    ("-{A|zh-cn:[[网络|网]];zh-tw:網}-络", "网络"),
    ("-{R|x}-y-{H|zh-cn:a;zh-tw:b}-z", "xyz"),
    ("-{T|zh-cn:a;zh-tw:b}--{文}-", "文"),
    ("-{H|甲=>zh-cn:乙;}-甲", "甲"),
    ("-{sr-ec:реч;sr-el:reč}- -{Windows}-", "реч Windows"),
    ("-{zh-cn:-{R|a}-b;zh-tw:c}-", "ab"),
    ("-{{nowrap|x}}-", "-x-"),
    ("__KEIN_INHALTSVERZEICHNIS__a__БЕЗ_ОГЛ__b__目次非表示__c__NOTOC__", "abc"),
    ("the method __init__ and a gap ________ here", "the method __init__ and a gap ________ here"),
]


@pytest.mark.parametrize(("wikitext", "shown"), VARIANTS)
def test_ways_of_writing_and_switches_in_any_language_are_resolved(wikitext: str, shown: str) -> None:
    assert clean_wikitext(wikitext).strip() == shown


@pytest.mark.parametrize(
    "word", ["REDIRECT", "redirect", "Weiterleitung", "REDIRECCIÓN", "YÖNLENDİRME", "重定向", "পুনর্নির্দেশ"]
)
def test_redirects_are_known_by_their_words(word: str) -> None:
    assert is_redirect(f"#{word} [[New]]")
    assert not is_redirect("#Paris [[France]] is large.")


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{{読み仮名|'''蜜蜂'''|みつばち}}", "蜜蜂"),
        ("{{仮リンク|養蜂家|en|Beekeeper}}", "養蜂家"),
        ("{{нп5|Улей||en|Beehive}}", "Улей"),
        ("{{нп5|Улей|улье|en|Beehive}}", "улье"),
        ("{{число|5}}", "5"),
        ("{{citation|texte}}", "texte"),
        ("{{citation|title=A source|quote=words}}", ""),
        ("{{lien|langue=en|Ruche}}", "Ruche"),
        ("{{lien|fr=Ruche|lang=en|texte=ruches}}", "ruches"),
        ("{{XXe siècle}}", "XXe siècle"),
        ("{{s|I|er}}", "Ier siècle"),
        ("{{s|struck out}}", "struck out"),
        ("XX{{e}} siècle", "XXe siècle"),
        ("{{date|1|mai|2000}}", "1 mai 2000"),
        ("{{start date|2000|5|1}}", "1 May 2000"),
        ('{{"|Zitat}}', "„Zitat“"),
        ("{{cita|Texto}}", "Texto"),
        ("{{siglo|XX||s}}", "siglo XX"),
        ("{{siglo|V|a}}", "V a. C."),
        ("{{link-en|养蜂|Beekeeping}}", "养蜂"),
        ("{{link-en|養蜂|Beekeeping|养蜂业}}", "养蜂业"),
        ("{{tsl|en|Foo|富}}", "富"),
        ("{{convert|5|ft|6|in|m}}", "5 ft 6 in"),
        ("{{convert|5|km|mi|1}} {{convert|1|to|2|lb|3|kg}}", "5 km 1 to 2 lb"),
        ("{{£|5}} {{gbp|6}} {{€|7}} {{£}}", "£5 £6 €7 £"),
        ("{{ca.|1900}} {{circa}} 1901", "c. 1900 c. 1901"),
        ("{{sic|teh}} {{sic}} C{{music|sharp}} minor", "teh C♯ minor"),
        ("{{sic|occ|urence}} {{sic|?}} {{HMS|Victory|}}", "occurence HMS Victory"),
        ("{{chem|SO|4|2-}} {{chem|H|2|O}}", "SO₄²⁻ H₂O"),
        ("{{radic|2}} {{iast|śiva}} {{nobold|x}}", "√2 śiva x"),
        (
            "{{HMS|Victory|1765|6}} {{USS|Ohio|BB-1}} {{SS|Bee}} {{sclass|Nimitz|carrier}}",
            "HMS Victory USS Ohio (BB-1) SS Bee Nimitz-class carrier",
        ),
    ],
)
def test_words_that_templates_show_in_other_languages_are_kept(template: str, shown: str) -> None:
    assert clean_wikitext(f"a {template} b").strip() == f"a {shown} b".replace("  ", " ")


CODE = "def f():\n    return g( )  # no == heading ==\n\n\n* x , y"


@pytest.mark.parametrize("name", ["pre", "source", 'syntaxhighlight lang="python"', "code"])
def test_code_is_kept_as_it_is(name: str) -> None:
    page = f"Text  here .\n<{name}>\n{CODE}\n</{name.split()[0]}>\n* More"
    assert clean_wikitext(page).strip() == f"Text here.\n{CODE}\n- More"
    assert clean_wikitext("== A ==\n<pre>\n\n</pre>\n== B ==\n<code><nowiki>&lt;[[b]]</nowiki></code>") == "B\n\n<[[b]]"


def test_deep_nesting_ends() -> None:
    assert "end" in clean_wikitext("{{a|" * 3000 + "x" + "}}" * 3000 + " end")


# What stands before, what is repeated, what stands after.
HOSTILE = {
    **{f"{text.strip()} without an end": ("", text, "") for text in (
        "{{a|", "{{{a|", "[[a|", "[[File:a|", "[http://x ", "{|\n|", "-{", "<div>", "<table>",
        "<!--", "'''", "*", "==", "(", "[", "{",
        "<ref>", "<ref", "<nowiki>", "<nowiki ", "<math>", "<pre>", "<gallery>", "<gallery", "<timeline>", "<sub>", "<sup",
        "<br", "<p ", "<b", "</ref", "</math ", "}}", "]]", "|}", "!a!!", "|-\n", "__A", "&#1",
    )},
    "openings of notes that share an end": ("", "<ref", ">"),
    "openings of notes before one end": ("", "<ref>", "</ref>"),
    "formulae in notes": ("", "<ref><math>", "</ref>"),
    "other ends": ("<math>", "</ref>", ""),
    "digits of a character": ("&#", "1", ";"),
    "zeros of a character": ("&#", "0", "65;"),
    "bars in an open link": ("{{small|[[", "|", "}}"),
    "spaces in a template": ("{{small|", " ", "}}"),
    "spaces before a template's name": ("{{", " ", ""),
    "ranges": ("{{convert|1", "|to|2", "|km}}"),
    "spaces in a redirect": ("#redirect", " ", "x"),
    "spaces in a link": ("[[a", " ", "|]]"),
    "spaces in a subscript": ("<sub>x", " ", "y</sub>"),
    "spaces before no bracket": ("(x", " ", "x"),
    "commas before no bracket": ("(x)", ", ", "x"),
    "lines of a heading": ("=", " =", "x"),
    "ways of writing": ("-{", "zh:a;", "}-"),
    "ways of writing in each other": ("", "-{A|", "x}-"),
    "rules of a way of writing": ("-{zh:", ";a=>", "}-"),
    "switches": ("__ABC", "_A", ""),
    "marks of what is kept": ("", "\ue0001\ue001", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_are_accounted_for(tmp_path: Path, name: str) -> None:
    """That the time grows with their length alone is a proof of its own (tests.prove.linear)."""
    before, repeated, after = HOSTILE[name]
    text = f"Before.\n{before}{repeated * 100_000}{after}"
    dump = HEAD + PAGES[0] + page(9, "Deep", text) + PAGES[5] + "</mediawiki>"
    found = documents_of(tmp_path, "d.xml", dump.encode(), "wikipedia")
    assert {"1", "6"} <= set(found.rows)
    assert found.accounting["in"] == 3


def test_a_history_gives_the_newest_revision_and_a_page_without_number_its_title(tmp_path: Path) -> None:
    revisions = "".join(
        f"<revision><id>{year}</id><timestamp>{year}-01-01T00:00:00Z</timestamp><text>Bees in {year} flew.</text></revision>"
        for year in (2003, 2005, 2004)
    )
    dump = f"<mediawiki><page><title>Bees</title><ns>0</ns>{revisions}</page></mediawiki>"
    found = documents_of(tmp_path, "w.xml", dump.encode(), "wikipedia")
    assert found.rows["Bees"]["text"].endswith("Bees in 2005 flew.")
    assert found.rows["Bees"]["date"] == "2005-01-01T00:00:00Z"


def test_real_dumps_in_every_packing_are_read(tmp_path: Path, shared_data: Path) -> None:
    folder = shared_data / "wiki-mediawiki-dump"
    packed = [
        documents_of(tmp_path, n, (folder / n).read_bytes(), "wikipedia") for n in ("dump.xml.bz2", "dump.xml.7z")
    ]
    assert [found.accounting["quarantined"] for found in packed] == [{}, {}]
    assert [list(found.rows) for found in packed] == [["2201"], ["2"]]
    plain = documents_of(tmp_path, "dump.xml", (folder / "dump.xml").read_bytes(), "wikipedia")
    assert "A bunch of text here." in plain.rows["Page title"]["text"]


def test_rows_of_real_web_corpora_are_read_by_their_columns(tmp_path: Path, shared_data: Path) -> None:
    for number, path in enumerate(sorted([*shared_data.glob("dolma-docs/*"), *shared_data.glob("hplt-web-docs/*")])):
        found = documents_of(tmp_path / str(number), path.name, path.read_bytes(), "jsonl", {"language": "lang"})
        assert found.accounting["kept"] >= 10
        assert found.accounting["quarantined"] == {}


def test_references_that_spell_our_own_marks_put_nothing_back() -> None:
    assert clean_wikitext("One.&#xE002;7&#xE001; <code>f()</code> &#xE002;" + "9" * 5000 + "&#xE001;").startswith(
        "One. f()"
    )


def test_a_page_names_itself(tmp_path: Path) -> None:
    text = "'''{{PAGENAME}}''' hums. {{ FULLPAGENAME }} flies."
    dump = HEAD + page(1, "Bee & \\1 honey", text) + "</mediawiki>"
    found = documents_of(tmp_path, "d.xml", dump.encode(), "wikipedia")
    assert found.rows["1"]["text"].endswith("\n\nBee & \\1 honey hums. Bee & \\1 honey flies.")
