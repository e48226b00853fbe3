r"""LaTeX as prose: what is kept, what is left out, and what hostile sources do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .running import Extracted, documents_of

WORD = re.compile(r"[a-z]{4,}")


def paper(body: str, preamble: str = "") -> str:
    return f"\\documentclass{{article}}\n{preamble}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"


def found_in(root: Path, source: str | bytes, **options: bool) -> Extracted:
    data = source.encode() if isinstance(source, str) else source
    return documents_of(root, "p.tex", data, "academic", options)


def text_of(root: Path, body: str, preamble: str = "", **options: bool) -> str:
    found = found_in(root, paper(body, preamble), **options)
    assert found.accounting["kept"] == 1, found.accounting
    return str(found.rows["p"]["text"])


def test_a_paper_has_title_abstract_sections_and_no_apparatus(tmp_path: Path) -> None:
    body = r"""\title[Short]{On \emph{Apis}\thanks{Funded.}}\author{A. Author \and B. Author}\date{\today}\maketitle
\begin{abstract}Bees fly. % a comment
They hum.\end{abstract}
\section*{Flight}\label{sec:flight}
Bees fly~\cite{a,b}, as many saw \citep[see][p.~2]{c} [\cite{d}, \cite{e}]. See Figure~\ref{fig:x} (see also
\cite{f}).\footnote{All of them.} They hum.
%
\begin{figure}\includegraphics[width=1cm]{a.png}\caption{A bee.}\label{fig:x}\end{figure}

A second paragraph. \begin{table}\begin{tabular}{ll}cell & cell\end{tabular}\end{table}Still it.
\bibliographystyle{plain}
\section*{References}
\begin{thebibliography}{9}\bibitem{a} A reference.\end{thebibliography}"""
    assert text_of(tmp_path, body, r"\usepackage[a4paper]{geometry}\newcommand\unused{never}") == (
        "On Apis\n\nBees fly. They hum.\n\nFlight\n\nBees fly, as many saw. See Figure. They hum. (All of them.)\n\n"
        "A second paragraph. Still it."
    )


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (r"Erd\H{o}s, Schr\"odinger, \'{e}t\'e, na\"{\i}ve, \v{C}ech, \c{c}a, {\o}re, Stra\ss e, \AA ngstr\"om",
         "Erdős, Schrödinger, été, naïve, Čech, ça, øre, Straße, Ångström"),
        (r"pages 1--2 --- `one' and ``two'' don't", "pages 1–2 — ‘one’ and “two” don’t"),
        (r"a~b\ c\,d \% \& \$ \# \_ \{ \} \dots\ \S 3 \textbackslash", "a b c d % & $ # _ { } … §3 \\"),
        (r"{\bf bold} \textit{slanted \textbf{both}} {\sc x}\/ \large y", "bold slanted both x y"),
        (r"\href{http://x.test/%20}{the site} at \url{http://x.test/a_b%20c}", "the site at http://x.test/a_b%20c"),
        (r"run \verb|a_b  \x{}| and \lstinline!x = $1!", "run a_b  \\x{} and x = $1"),
        (r"is $a_{1}+\text{for $x$} b$ and \(x^2\) and $\{y\}$", r"is $a_{1}+\text{for $x$} b$ and $x^2$ and $\{y\}$"),
        (r"unknown \foo[x]{kept} and \bar{a}{b} \baz end", "unknown kept and a b end"),
        (r"\textcolor{red}{red} \hspace{2cm} \raisebox{1pt}{up} \parbox[t]{3cm}{box}", "red up box"),
        (r"By \cref{thm:x} and \eqref{eq:y}, by Eq.~\eqref{eq:y}", "By Theorem and equation, by Eq."),
        (r"\texorpdfstring{$k$-means}{k-means} works", "$k$-means works"),
        (r"\enquote{so} in Sec.~\ref{a}--\ref{b}, Eqs.~(\ref{a}) and~(\ref{b}).", "“so” in Sec., Eqs."),
        (r"\magnification=1200 \hsize 6in \font\big=cmbx10 scaled \magstep2 a\vskip 1cm plus 2pt b", "a b"),
        (r"\unknown{a_b \alpha} \makeatletter\@addtoreset{x}{y}\makeatother\setlength\parskip{1em} text", "text"),
        (r"a\\[2pt]b\\*c \newline d", "a b c d"),
        (r"dis\-con\-nected 100\%% comment" + "\n  words", "disconnected 100%words"),
        (r"\iffalse hidden \else shown \fi \iftrue yes \else no \fi end", "shown yes end"),
        (r"\SI{5}{\kilo\meter\per\second\squared} \qty[mode=text]{1.5e-6}{\micro\gram} \num{1e5} \ang{45}",
         "5 km/s² 1.5 × 10⁻⁶ µg 1 × 10⁵ 45°"),
        (r"\SIrange{1}{5}{\metre} \SI{5 \pm 1}{\square\cm} \unit[10]{km} \si{kg.m^{-2}} \SI{3}{\percent} x",
         "1 to 5 m 5 ±1 cm² 10 km kg m⁻² 3 % x"),
        (r"\SI{20}{\degreeCelsius} \SI{9}{\um} \SI{2}{\Msun} \qty{text} \numlist{1;2e3}", "20 °C 9 µm 2 text 1, 2 × 10³"),
        (r"\SI{2}{\micro{\meter}} \si{\kilo\meter\per{\second}} \si{\square{\cm}} \si{0.5 m.s}", "2 µm km/s cm² 0.5 m s"),
        (r"\unit[-40]{K} \unit[.5]{s} \unit[$5\times10^3$]{m} \unit[per-mode=symbol]{\km}", r"-40 K .5 s $5\times10^3$ m km"),
        (r"as in Ref.~\onlinecite{prl2000}, by \citeA{b} and \citet{c}", "as in Ref., by"),
        (r"\IEEEPARstart{T}{his} is, i.e.\@ so, \lettrine[x]{O}{nce} \replaced{new}{old}\deleted{x} \char`\% \char'65 \char65",
         "This is, i.e. so, Once new % 5 A"),
        (r"So \begin{equation}x\end{equation}, where \[y\]; \footnotetext[1]{Note.} {\bf Then} \[z\] then",
         "So, where; Then then"),
        (r"\nicefrac{1}{2} or \sfrac[f]{3}{4}; \onslide<2->{kept} \begin{itemize}\item<1-> one\end{itemize}",
         "1/2 or 3/4; kept\n\n- one"),
        ("\\twocolumn[\n\\icmltitle{Bees [really]}\n\n\\icmlauthor{A. B.}{dept}\n"
         "\\icmlaffiliation{dept}{Hive}\n\\vskip 0.3in\n]\nThey fly.",
         "Bees [really]\n\nThey fly."),
        (r"10\textsuperscript{5} m\textsuperscript{-2} of CO\textsubscript{2}, the 1\textsuperscript{st}",
         "10⁵ m⁻² of CO₂, the 1st"),
        (r"\begin{CJK}{UTF8}{gbsn}中文\end{CJK} \begin{CJK*}[dnp]{JIS}{min}字\end{CJK*}", "中文 字"),
    ],
)  # fmt: skip
def test_what_stands_in_a_line(tmp_path: Path, source: str, shown: str) -> None:
    assert text_of(tmp_path, source) == shown


@pytest.mark.parametrize(
    ("preamble", "source", "shown"),
    [
        (r"\newcommand{\bee}{Apis\xspace}", r"the \bee flies, \bee.", "the Apis flies, Apis."),
        (r"\newcommand{\two}[2]{#2 and #1}", r"\two{a}{\emph{b}}", "b and a"),
        (r"\newcommand{\opt}[2][none]{#1/#2}", r"\opt{a} \opt[b]{c}", "none/a b/c"),
        (r"\def\pair#1,#2.{#1 with #2}", r"\pair x,y.", "x with y"),
        (r"\def\a{\b}\def\b{deep}\let\c\b\def\b{later}", r"\a{} \c", "later deep"),
        (r"\DeclareMathOperator{\Hom}{Hom}\newcommand{\R}{\ensuremath{\mathbb{R}}}", r"\Hom\ in \R", r"Hom in $\mathbb{R}$"),
        (r"\let\oldphi\phi\let\phi\varphi\let\varphi\oldphi", r"a \phi", "a φ"),
        (r"\newcommand{\be}{\begin{equation}}\newcommand{\ee}{\end{equation}}", r"So \be x=1. \ee Then", "So. Then"),
        (r"\newenvironment{eqs}{\begin{align}}{\end{align}}", r"So \begin{eqs}x\end{eqs} then", "So then"),
        (r"\newenvironment{note}[1]{\textbf{#1:} }{ (end)}", r"\begin{note}{Hint}text\end{note}", "Hint: text (end)"),
        (r"\NewDocumentCommand{\w}{O{dear} m}{#1 #2}", r"\w{bee} \w[my]{bee}", "dear bee my bee"),
        (r"\NewDocumentCommand{\w}{o m}{\IfNoValueTF{#1}{#2}{#2 of #1}}", r"\w{bee} \w[hive]{bee}", "bee bee of hive"),
        (r"\newif\iflong\longtrue", r"\iflong long\else short\fi", "long"),
    ],
)  # fmt: skip
def test_macros_are_expanded(tmp_path: Path, preamble: str, source: str, shown: str) -> None:
    assert text_of(tmp_path, source, preamble) == shown


def test_theorems_lists_and_quotes(tmp_path: Path) -> None:
    body = r"""\begin{thm}[Euclid]\label{thm:e}

There are many.\end{thm}
\begin{proof}Clear.\end{proof}
\begin{proof}[Proof of \cref{thm:e}]By
\begin{enumerate}\item one; \item[(b)] two:
\begin{itemize}
  \item inner

  more
\end{itemize}
\end{enumerate}
as said.\end{proof}
\begin{quote}Quoth she.\end{quote}
\paragraph{Aside} Words.
\begin{verbatim}
  x = $1   % no comment
\end{verbatim}
After."""
    assert text_of(tmp_path, body, r"\newtheorem{thm}{Satz}") == (
        "Satz (Euclid). There are many.\n\nProof. Clear.\n\nProof of Theorem. By\n\n- one;\n- (b) two:\n  - inner\n"
        "    more\n\nas said.\n\nQuoth she.\n\nAside. Words.\n\n  x = $1   % no comment\n\nAfter."
    )


def test_formulae_and_captions_are_kept_on_demand(tmp_path: Path) -> None:
    body = r"""We have
\begin{align}a &= b \label{eq:a}\\ c &= d.\nonumber\end{align}
so $$x$$ and \[y % comment
+ z\] hold.
\begin{figure}\centering\caption[Short]{A \emph{bee}~\cite{a}.}\end{figure}
End."""
    assert text_of(tmp_path / "a", body) == "We have. so and hold. End."
    assert text_of(tmp_path / "b", body, formulae=True, captions=True) == (
        r"We have $$\begin{aligned} a &= b \\ c &= d. \end{aligned}$$ so $$x$$ and $$y + z$$ hold. End."
        "\n\nA bee."
    )


def test_chapters_have_no_preamble(tmp_path: Path) -> None:
    found = found_in(tmp_path, "\\chapter{Bees}\nThey \\emph{fly}.\n")
    assert found.rows["p"]["text"] == "Bees\n\nThey fly."
    assert json.loads(found.rows["p"]["meta"]) == {"file": "p.tex", "title": None, "files": ["main.tex"], "missing": []}


@pytest.mark.parametrize(
    ("preamble", "encoding", "word"),
    [("", "utf-8", "naïve"), ("", "cp1252", "naïve"), (r"\usepackage[latin2]{inputenc}", "iso8859-2", "žluť"),
     (r"\usepackage[cp1251]{inputenc}", "cp1251", "слово")],
)  # fmt: skip
def test_encodings(tmp_path: Path, preamble: str, encoding: str, word: str) -> None:
    assert found_in(tmp_path, paper(word, preamble).encode(encoding)).rows["p"]["text"] == word


@pytest.mark.parametrize(
    "preamble",
    [
        r"\def\x{\x\x}",
        r"\def\x{\x}",
        r"\def\x{a\x}",
        r"\def\x{\emph{\x}}",
        "".join(f"\\def\\{chr(98 + n)}{{\\{chr(99 + n)}\\{chr(99 + n)}}}" for n in range(22))
        + r"\def\x{\b\b}\def\x{\b}",
        r"\newcommand{\x}[1][\x]{\footnote{\x}}",
    ],
)
def test_macro_bombs_are_quarantined(tmp_path: Path, preamble: str) -> None:
    found = found_in(tmp_path, paper(r"Text \x", preamble))
    assert found.accounting["quarantined"] == {"macro_bomb": 1}


HOSTILE: dict[str, tuple[Callable[[int], str], int]] = {  # texts of a size, and a size that is hard
    "nested braces": (lambda n: "{" * n + "deep" + "}" * n, 100_000),
    "opened braces": (lambda n: "{" * n, 100_000),
    "closed braces": (lambda n: "}" * n, 100_000),
    "nested emphasis": (lambda n: r"\emph{" * n + "deep" + "}" * n, 100_000),
    "opened environments": (lambda n: r"\begin{center}" * n, 20_000),
    "closed lists": (lambda n: r"\end{itemize}" * n, 20_000),
    "nested lists": (lambda n: r"\begin{itemize}\item x" * n, 5_000),
    "dollars": (lambda n: "$" * (n - 1), 10_000),
    "dollars and braces": (lambda n: "${" * n, 20_000),
    "opened formulae": (lambda n: r"\[" * n, 20_000),
    "opened equations": (lambda n: r"\begin{equation}" * n, 5_000),
    "verbatim": (lambda n: r"\verb|" * n, 10_000),
    "opened sections": (lambda n: r"\section{" * n, 20_000),
    "opened footnotes": (lambda n: r"\footnote{" * n, 20_000),
    "unknown commands": (lambda n: r"\unknown[" * n, 20_000),
    "accents": (lambda n: r"\'" * n, 50_000),
    "opened accents": (lambda n: r"\'{" * n, 20_000),
    "conditions": (lambda n: r"\iffalse" * n, 10_000),
    "opened arguments": (lambda n: r"\foo{a_" * n, 20_000),
    "comments": (lambda n: "%" * n, 100_000),
    "empty lines": (lambda n: "\n \n" * n, 100_000),
    "no characters": (lambda n: "a\0b\ue000c\ud800".encode("utf-8", "surrogatepass").decode("latin-1") * n, 1_000),
    "backslashes": (lambda n: "\\" * n, 1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_kept_or_quarantined(tmp_path: Path, name: str) -> None:
    """That the time grows with its length alone is a proof of its own (tests.prove.linear)."""
    text, size = HOSTILE[name]
    counts = found_in(tmp_path, paper("Start. " + text(size))).accounting
    assert counts["kept"] + sum(counts["quarantined"].values()) == 1


def leftovers(text: str) -> list[str]:
    """Commands, braces and scripts that stand outside formulae."""
    prose = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " ", text, flags=re.S)
    return re.findall(r"\\[A-Za-z]+|[{}$^]", prose)


def words_of_source(source: str) -> list[str]:
    """The words of paragraphs without formulae, as a crude reader finds them, to compare with."""
    source = re.sub(r"\\begin\{(figure|table)(\*?)\}.*?\\end\{\1\2\}", "", source, flags=re.S)
    source = re.sub(r"(?<!\\)%.*", "", source)
    words: list[str] = []
    for block in re.split(r"\n\s*\n", source):
        if "\\" not in block and "$" not in block:
            words += WORD.findall(block.lower())
    return words


def test_a_real_paper_reads_as_prose(tmp_path: Path, shared_data: Path) -> None:
    source = (shared_data / "latex-fail-paper" / "fail.tex").read_text("utf-8")
    row = documents_of(tmp_path, "2210.00001.tex", source.encode(), "academic").rows["2210.00001"]
    prose = row["text"].partition("Model Configurations")[0]
    assert leftovers(prose) == []
    assert row["text"].startswith(
        "(Not) Understanding Latin Poetic Style with Deep Learning\n\nThis article summarizes"
    )
    assert not re.search(r"orcid|minted|midrule|nagy2021metre|lucan_vs", prose)
    assert set(words_of_source(source[source.index("\\begin{abstract}") :])) <= set(WORD.findall(row["text"].lower()))


def test_a_real_book_reads_as_prose(tmp_path: Path, shared_data: Path) -> None:
    for path in sorted((shared_data / "latex-hott-book").glob("*.tex")):
        source = path.read_text("utf-8")
        text = documents_of(tmp_path / path.stem, path.name, source.encode(), "academic").rows[path.stem]["text"]
        assert leftovers(text) == [], path.name
        expected, shown = words_of_source(source), set(WORD.findall(text.lower()))
        assert {word for word in expected if word not in shown} == set(), path.name
        assert not re.search(r"[a-z](?:Theorem|Section|Lemma)\b", re.sub(r"\$[^$]*\$", "x", text))
