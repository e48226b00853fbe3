from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from .running import documents_of

CITATION = """<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID><Article><Journal><JournalIssue><PubDate>
<Year>1979</Year><Month>Nov</Month></PubDate></JournalIssue><Title>Bee Journal</Title></Journal>
<ArticleTitle>{title}</ArticleTitle>{abstract}</Article></MedlineCitation></PubmedArticle>
"""
MEDLINE = (
    "<PubmedArticleSet>"
    + CITATION.format(
        pmid=1,
        title="[On <i>Apis</i> (author's transl).]",
        abstract='<Abstract><AbstractText Label="METHODS">We &lt;5 counted.</AbstractText><AbstractText Label="RESULTS">'
        "Bees. (ABSTRACT TRUNCATED AT 250 WORDS)</AbstractText></Abstract>",
    )
    + CITATION.format(pmid=2, title="No abstract", abstract="")
    + "</PubmedArticleSet>"
)
ARTICLE = """<!DOCTYPE article PUBLIC "-//NLM//DTD X//EN" "missing.dtd">
<article xmlns:xlink="http://www.w3.org/1999/xlink"><front><article-meta><article-id pub-id-type="doi">10.1/x</article-id>
<title-group><article-title>On <italic>Apis</italic></article-title></title-group>
<pub-date><day>2</day><month>8</month><year>2011</year></pub-date>
<permissions><license xlink:href="http://creativecommons.org/licenses/by/4.0/"><p>free</p></license></permissions>
<abstract><p>Short.</p></abstract></article-meta></front>
<body><sec><title>Background</title><p>Bees fly [<xref ref-type="bibr">1</xref>,<xref ref-type="bibr">2</xref>]. They hum
<xref ref-type="bibr">3</xref>&#8211;<xref ref-type="bibr">5</xref>. Others agree (see Smith, <xref ref-type="bibr">2006</xref>).
See <xref ref-type="fig">Figure 1</xref>.</p><fig><caption><p>caption</p></caption></fig>
<p>Steps:<list><list-item><p>one</p></list-item><list-item><p>two</p></list-item></list></p>
<table-wrap><table><tr><td>cell</td></tr></table></table-wrap></sec></body>
<back><ref-list><ref><mixed-citation>A reference</mixed-citation></ref></ref-list></back></article>
"""
SHOWN = """On Apis

Short.

Background

Bees fly. They hum. Others agree (see Smith, 2006). See Figure 1.

Steps:

- one
- two"""


def test_abstracts_have_title_labels_and_date(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "m.xml.gz", gzip.compress(MEDLINE.encode()), "academic")
    assert found.accounting == {"in": 2, "kept": 1, "removed": {"no_abstract": 1}, "quarantined": {}}
    assert found.rows["1"]["text"] == "On Apis.\n\nMethods: We <5 counted.\n\nResults: Bees."
    assert found.rows["1"]["date"] == "1979-11"


def test_articles_have_sections_and_no_apparatus(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "a.nxml", ARTICLE.encode(), "academic")
    row = found.rows["10.1/x"]
    assert row["text"] == SHOWN
    assert (row["license"], row["date"], row["url"]) == ("CC-BY-4.0", "2011-08-02", "https://doi.org/10.1/x")


def test_formulae_and_captions_are_kept_on_demand(tmp_path: Path) -> None:
    article = ARTICLE.replace("See <xref", """So <disp-formula><label>(1)</label><tex-math>\\documentclass{x}
\\begin{document}$$a_1=b$$\\end{document}</tex-math></disp-formula> and <disp-formula><math><mi>x</mi><mo>=</mo><mn>1</mn>
</math></disp-formula>. See <xref""").replace("<fig><caption><p>caption", "<fig><label>Figure 1.</label><caption><title>"
"Bees.</title><p>They fly <xref ref-type='bibr'>1</xref>.").replace("<table-wrap>", "<table-wrap><label>Table 1</label>"
"<caption><p>Hives.</p></caption>")  # fmt: skip
    plain = documents_of(tmp_path / "a", "a.nxml", article.encode(), "academic").rows["10.1/x"]["text"]
    assert plain == SHOWN.replace("See Figure", "So and. See Figure")
    kept = documents_of(
        tmp_path / "b", "a.nxml", article.encode(), "academic", {"formulae": True, "captions": True}
    ).rows["10.1/x"]["text"]
    assert "So $$a_1=b$$ and $$x=1$$. See Figure 1.\n\nFigure 1. Bees. They fly.\n\nSteps:" in kept
    assert kept.endswith("- two\n\nTable 1 Hives.")


def test_an_article_that_states_no_licence_has_the_declared_one(tmp_path: Path) -> None:
    start, end = ARTICLE.index("<permissions>"), ARTICLE.index("</permissions>") + len("</permissions>")
    found = documents_of(tmp_path, "a.nxml", (ARTICLE[:start] + ARTICLE[end:]).encode(), "academic")
    assert found.list[0]["license"] == "declared"


def test_external_entities_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    article = ARTICLE.replace('"missing.dtd">', f'"missing.dtd" [<!ENTITY x SYSTEM "{secret.as_uri()}">]>')
    found = documents_of(tmp_path, "a.xml", article.replace("Short.", "Short &x; &alpha;.").encode(), "academic")
    assert "SECRET" not in found.list[0]["text"]
    assert "Short α." in found.list[0]["text"]


def test_a_cut_file_keeps_its_whole_articles(tmp_path: Path) -> None:
    found = documents_of(tmp_path, "m.xml", MEDLINE[: MEDLINE.index("No abstract")].encode(), "academic")
    assert found.accounting == {"in": 2, "kept": 1, "removed": {}, "quarantined": {"truncated": 1}}


def test_what_is_no_article_is_quarantined(tmp_path: Path) -> None:
    assert documents_of(tmp_path, "x.xml", b"<html/>", "academic").accounting["quarantined"] == {"no_articles": 1}
    assert documents_of(tmp_path / "y", "y.xml", b"plain", "academic").accounting["quarantined"] == {"malformed_xml": 1}


def test_citations_without_an_entry_of_pubmed_around_them_are_abstracts(tmp_path: Path) -> None:
    bare = MEDLINE.replace("PubmedArticleSet", "MedlineCitationSet")
    bare = bare.replace("<PubmedArticle>", "").replace("</PubmedArticle>", "")
    assert "<PubmedArticle" not in bare
    found = documents_of(tmp_path, "m.xml", bare.encode(), "academic")
    assert found.accounting == {"in": 2, "kept": 1, "removed": {"no_abstract": 1}, "quarantined": {}}
    assert found.rows["1"]["text"] == "On Apis.\n\nMethods: We <5 counted.\n\nResults: Bees."


def test_abstracts_of_books_are_kept_and_citations_that_go_are_counted(tmp_path: Path) -> None:
    book = (
        "<PubmedBookArticle><BookDocument><PMID>3</PMID><Book><BookTitle>Bees</BookTitle><PubDate><Year>2007</Year></PubDate>"
        "</Book><Abstract><AbstractText>Of hives.</AbstractText></Abstract></BookDocument></PubmedBookArticle>"
    )
    gone = "<DeleteCitation><PMID>8</PMID><PMID>9</PMID></DeleteCitation>"
    medline = MEDLINE.replace("</PubmedArticleSet>", book + gone + "</PubmedArticleSet>")
    found = documents_of(tmp_path, "m.xml", medline.encode(), "academic")
    removed = {"no_abstract": 1, "deleted_citations": 1}
    assert found.accounting == {"in": 4, "kept": 2, "removed": removed, "quarantined": {}}
    assert (found.rows["3"]["text"], found.rows["3"]["date"]) == ("Bees\n\nOf hives.", "2007")
    alone = f"<PubmedBookArticleSet>{book}</PubmedBookArticleSet>"
    assert sorted(documents_of(tmp_path / "b", "b.xml", alone.encode(), "academic").rows) == ["3"]


def test_lists_and_figures_in_items_of_lists_are_kept(tmp_path: Path) -> None:
    inner = "<list><list-item><p>inner <bold>b</bold></p></list-item></list>"
    figure = "<fig><label>Figure 2.</label><caption><p>A hive.</p></caption></fig>"
    article = ARTICLE.replace("<p>one</p>", f"<p>one</p>{inner}{figure}").replace(
        "<p>two</p>", f"<p>two{inner} more</p>"
    )
    found = documents_of(tmp_path, "a.nxml", article.encode(), "academic", {"captions": True})
    assert found.list[0]["text"].endswith("- one\n- inner b\n- two more\n- inner b\n\nFigure 2. A hive.")


def test_a_formula_in_a_line_is_kept_once(tmp_path: Path) -> None:
    tex = "<tex-math>\\documentclass{x}\\begin{document}$x^2$\\end{document}</tex-math>"
    both = f"<alternatives>{tex}<math><mi>x</mi></math></alternatives>"
    shown = "Let <inline-formula>{}</inline-formula> be, and <inline-formula><math><mi>y</mi></math></inline-formula>."
    article = ARTICLE.replace("Bees fly", shown.format(tex) + shown.format(both) + " Bees fly")
    text = documents_of(tmp_path, "a.nxml", article.encode(), "academic").list[0]["text"]
    assert "Let $x^2$ be, and y.Let $x^2$ be, and y. Bees fly" in text


IDENTIFIER = '<article-id pub-id-type="doi">10.1/x</article-id>'


@pytest.mark.parametrize(
    ("identifiers", "key"),
    [('<article-id pub-id-type="pmcid">PMC1</article-id>', "PMC1"), ("<article-id>S01</article-id>", "S01"), ("", "a")],
)
def test_an_article_has_the_identifier_that_there_is(tmp_path: Path, identifiers: str, key: str) -> None:
    found = documents_of(tmp_path, "a.nxml", ARTICLE.replace(IDENTIFIER, identifiers).encode(), "academic")
    assert list(found.rows) == [key]


def test_nothing_that_is_prose_is_lost(tmp_path: Path) -> None:
    blocks = (
        "<def-list><def-item><term>RNA</term><def><p>an acid</p></def></def-item></def-list>"
        "<preformat>a  b\n  c</preformat><code>f()</code><speech><speaker>BOB</speaker><p>hello</p></speech>"
        "<boxed-text><sec><title>Box</title><p>Key points.</p></sec></boxed-text>"
        "<p>Around <boxed-text><p>a box</p></boxed-text> and<disp-formula>x</disp-formula>where<break/>it is.</p></sec></body>"
    )
    back = (
        "<back><app-group><app><title>Appendix</title><p>More.</p></app>"
        "<app><title>More references</title><ref-list><ref><mixed-citation>A</mixed-citation></ref></ref-list></app></app-group>"
    )
    article = ARTICLE.replace("</sec></body>", blocks).replace("<back>", back)
    text = documents_of(tmp_path, "a.nxml", article.encode(), "academic").list[0]["text"]
    assert text.split("- two\n\n")[1].split("\n\n") == [
        "- RNA: an acid", "a  b\n  c", "f()", "BOB", "hello", "Box", "Key points.", "Around and where it is.", "a box",
        "Appendix", "More.",
    ]  # fmt: skip


def test_abstracts_of_several_kinds_and_subtitles_are_kept_without_marks(tmp_path: Path) -> None:
    abstracts = (
        '<abstract abstract-type="structured"><sec><title>Aim</title><p>To count.</p></sec></abstract>'
        '<abstract abstract-type="section"><p>Bees.</p></abstract>'
    )
    title = '<xref ref-type="fn">*</xref></article-title><subtitle>A study</subtitle>'
    article = ARTICLE.replace("<abstract><p>Short.</p></abstract>", abstracts).replace("</article-title>", title)
    row = documents_of(tmp_path, "a.nxml", article.encode(), "academic").list[0]
    assert row["text"].startswith("On Apis: A study\n\nAim\n\nTo count.\n\nBees.\n\nBackground")


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("10<sup>3</sup> m<sup>−2 </sup>= H<sub>2</sub>O", "10³ m⁻² = H₂O"),
        ("(<italic>x</italic>)<sup>n</sup> and <italic>x</italic><sup>n+1</sup>", "(x)^n and x^n+1"),
        ("the 1<sup>st</sup> x<sub>i</sub> of Bee<sup>®</sup>", "the 1st xi of Bee®"),
        ('bees<sup><xref ref-type="bibr">3</xref></sup> fly', "bees fly"),
    ],
)
def test_scripts_are_told_from_what_they_stand_at(tmp_path: Path, markup: str, shown: str) -> None:
    found = documents_of(tmp_path, "a.nxml", ARTICLE.replace("Bees fly", f"{markup}; bees fly").encode(), "academic")
    assert f"\n\n{shown}; bees fly" in found.list[0]["text"]


def test_a_licence_may_be_stated_as_text(tmp_path: Path) -> None:
    licence = '<license><x:license_ref xmlns:x="y">https://creativecommons.org/licenses/by-nc/4.0/</x:license_ref>'
    article = ARTICLE.replace('<license xlink:href="http://creativecommons.org/licenses/by/4.0/">', licence)
    assert documents_of(tmp_path, "a.nxml", article.encode(), "academic").list[0]["license"] == "CC-BY-NC-4.0"


DATES = [
    ("2010", "Mar", "5", "2010-03-05"),
    ("2010", "March", "", "2010-03"),
    ("2010", "Spring", "5", "2010"),
    ("2010", "13", "5", "2010"),
    ("2010", "2", "30", "2010-02"),
    ("n.d.", "5", "3", None),
    (" 2010 ", " 05 ", " 03 ", "2010-05-03"),
    ("2010", "5", "n", "2010-05"),
]


@pytest.mark.parametrize(("year", "month", "day", "wanted"), DATES)
def test_a_date_ends_before_the_first_part_that_is_none(
    tmp_path: Path, year: str, month: str, day: str, wanted: str | None
) -> None:
    article = ARTICLE.replace(
        "<day>2</day><month>8</month><year>2011</year>",
        f"<day>{day}</day><month>{month}</month><year>{year}</year>",
    )
    assert documents_of(tmp_path / "a", "a.nxml", article.encode(), "academic").list[0]["date"] == wanted
    medline = MEDLINE.replace(
        "<Year>1979</Year><Month>Nov</Month>", f"<Year>{year}</Year><Month>{month}</Month><Day>{day}</Day>"
    )
    assert documents_of(tmp_path / "m", "m.xml", medline.encode(), "academic").list[0]["date"] == wanted


@pytest.mark.parametrize("stated", ["Spring 1998", "1998 Dec-1999 Jan"])
def test_a_date_in_words_gives_its_year(tmp_path: Path, stated: str) -> None:
    medline = MEDLINE.replace("<Year>1979</Year><Month>Nov</Month>", f"<MedlineDate>{stated}</MedlineDate>")
    assert documents_of(tmp_path, "m.xml", medline.encode(), "academic").list[0]["date"] == "1998"


MATHML = [
    ("<msup><mn>10</mn><mn>5</mn></msup>", "10⁵"),
    ("<mfrac><mn>1</mn><mn>2</mn></mfrac>", "1/2"),
    (
        "<mfrac>\n <mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow>\n <msqrt><mi>b</mi><mn>2</mn></msqrt>\n</mfrac>",
        "(a+1)/(√(b2))",
    ),
    ("<msubsup><mi>x</mi><mi>i</mi><mrow><mo>−</mo><mn>2</mn></mrow></msubsup>", "xi⁻²"),
    ("<msup><mi>e</mi><mrow><mi>k</mi><mi>t</mi></mrow></msup><msub><mi>k</mi><mn>0</mn></msub>", "e^(kt)k₀"),
    ("<semantics><mi>&#945;</mi><annotation>\\alpha</annotation></semantics>", "α"),
    ("<mtext>for all </mtext><mi>&thinsp;x</mi>", "for all x"),
    ("<mi>f</mi><mfenced><mi>x</mi><mi>y</mi></mfenced><mfrac><mrow/><mn>2</mn></mfrac>", "f(x, y)/2"),
    ("<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mn>10</mn></munderover><mn>5</mn>", "∑i=1¹⁰5"),
    ("<munder><mi>x</mi><mn>0</mn></munder><mn>5</mn>", "x₀5"),
    ("<mroot><mi>x</mi><mn>3</mn></mroot><mroot><mrow><mi>a</mi><mi>b</mi></mrow><mi>n</mi></mroot>", "³√x(ab)^(1/n)"),
    ("bare", "bare"),
]


@pytest.mark.parametrize(("markup", "shown"), MATHML)
def test_formulae_in_mathml_keep_their_numbers_apart(tmp_path: Path, markup: str, shown: str) -> None:
    formula = f"<inline-formula><math>{markup}</math></inline-formula>; bees fly"
    found = documents_of(tmp_path, "a.nxml", ARTICLE.replace("Bees fly", formula).encode(), "academic")
    assert f"\n\n{shown}; bees fly" in found.list[0]["text"]


def test_numbers_of_abstracts_keep_their_scripts(tmp_path: Path) -> None:
    medline = MEDLINE.replace("We &lt;5 counted", "We counted 3 × 10<sup>5</sup> m<sup>-2</sup> , CO<sub>2</sub> aside")
    medline = medline.replace("<i>Apis</i>", "H<sub>2</sub>O")
    text = documents_of(tmp_path, "m.xml", medline.encode(), "academic").rows["1"]["text"]
    assert text == "On H₂O.\n\nMethods: We counted 3 × 10⁵ m⁻² , CO₂ aside.\n\nResults: Bees."


def test_summaries_in_plain_language_are_kept(tmp_path: Path) -> None:
    digest = '</abstract><abstract abstract-type="plain-language-summary"><title>Digest</title><p>Bees.</p></abstract>'
    found = documents_of(tmp_path, "a.xml", ARTICLE.replace("</abstract>", digest).encode(), "academic")
    assert found.list[0]["text"].startswith("On Apis\n\nShort.\n\nDigest\n\nBees.\n\nBackground")
