r"""What LaTeX's symbols are in Unicode, and which arguments its commands take that are no text.

In the strings of `ARGUMENTS`, `o` is an optional argument and `d` one that is left out; what follows them is text.
"""

from __future__ import annotations

import unicodedata

_LETTERS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega"
_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
    "b": "\u0331", "t": "\u0361",
}  # fmt: skip
ACCENTS = frozenset(_ACCENTS)
_DOTLESS = {"\\i": "i", "\\j": "j", "ı": "i", "ȷ": "j"}

SYMBOLS = {
    **{name: unicodedata.lookup(f"GREEK SMALL LETTER {name.replace('lambda', 'lamda').upper()}")
       for name in _LETTERS.split()},
    **{name.capitalize(): unicodedata.lookup(f"GREEK CAPITAL LETTER {name.replace('lambda', 'lamda').upper()}")
       for name in _LETTERS.split()},
    "varepsilon": "ε", "vartheta": "ϑ", "varphi": "φ", "varrho": "ϱ", "varsigma": "ς", "varpi": "ϖ",
    # letters
    "aa": "å", "AA": "Å", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł",
    "ss": "ß", "SS": "SS", "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "dj": "đ", "DJ": "Đ", "th": "þ", "TH": "Þ",
    "ng": "ŋ", "NG": "Ŋ", "angstrom": "Å", "hbar": "ħ", "ell": "ℓ", "textmu": "µ", "micro": "µ",
    # signs and punctuation
    "dots": "…", "ldots": "…", "cdots": "⋯", "textellipsis": "…", "dotsc": "…", "dotsb": "…", "vdots": "⋮",
    "S": "§", "P": "¶", "textsection": "§", "textparagraph": "¶", "copyright": "©", "textcopyright": "©",
    "textregistered": "®", "texttrademark": "™", "pounds": "£", "textsterling": "£", "euro": "€", "EUR": "€",
    "texteuro": "€", "textyen": "¥", "textcent": "¢", "textdollar": "$", "dag": "†", "ddag": "‡", "dagger": "†",
    "ddagger": "‡", "textdagger": "†", "textdaggerdbl": "‡", "textdegree": "°", "degree": "°", "degrees": "°",
    "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textunderscore": "_", "textbar": "|",
    "textless": "<", "textgreater": ">", "textbraceleft": "{", "textbraceright": "}", "lbrace": "{", "rbrace": "}",
    "textendash": "–", "textemdash": "—", "textquotedblleft": "“", "textquotedblright": "”", "textquoteleft": "‘",
    "textquoteright": "’", "textquotedbl": '"', "textquotesingle": "'", "lq": "‘", "rq": "’", "quotedblbase": "„",
    "quotesinglbase": "‚", "guillemotleft": "«", "guillemotright": "»", "guillemetleft": "«", "guillemetright": "»",
    "guilsinglleft": "‹", "guilsinglright": "›", "glqq": "„", "grqq": "“", "og": "« ", "fg": " »",
    "flqq": "«", "frqq": "»", "textexclamdown": "¡", "textquestiondown": "¿", "textbullet": "•", "bullet": "•",
    "textperiodcentered": "·", "cdot": "·", "slash": "/", "colon": ":", "textasteriskcentered": "*", "checkmark": "✓",
    "cmark": "✓", "xmark": "✗", "textordfeminine": "ª", "textordmasculine": "º", "textnumero": "№", "textonehalf": "½",
    # signs of mathematics that stand in text
    "times": "×", "texttimes": "×", "div": "÷", "pm": "±", "textpm": "±", "mp": "∓", "leq": "≤", "le": "≤", "geq": "≥",
    "ge": "≥", "neq": "≠", "ne": "≠", "approx": "≈", "sim": "~", "simeq": "≃", "equiv": "≡", "infty": "∞", "to": "→",
    "rightarrow": "→", "textrightarrow": "→", "leftarrow": "←", "textleftarrow": "←", "leftrightarrow": "↔",
    "Rightarrow": "⇒", "Leftrightarrow": "⇔", "uparrow": "↑", "downarrow": "↓", "mapsto": "↦", "in": "∈",
    "subset": "⊂", "cup": "∪", "cap": "∩", "forall": "∀", "exists": "∃", "partial": "∂", "nabla": "∇", "sum": "∑",
    "int": "∫", "circ": "∘", "star": "⋆", "ast": "*", "langle": "⟨", "rangle": "⟩", "textlangle": "⟨",
    "textrangle": "⟩", "gtrsim": "≳", "lesssim": "≲", "ll": "≪", "gg": "≫", "propto": "∝", "odot": "⊙",
    # names and abbreviations that styles define
    "LaTeX": "LaTeX", "LaTeXe": "LaTeX2e", "TeX": "TeX", "BibTeX": "BibTeX", "XeTeX": "XeTeX", "AmS": "AMS",
    "eg": "e.g.", "ie": "i.e.", "etc": "etc.", "etal": "et al.", "cf": "cf.", "wrt": "w.r.t.",
    "proofname": "Proof", "abstractname": "Abstract", "figurename": "Figure", "tablename": "Table",
    # space
    "quad": " ", "qquad": " ", "newline": " ", "linebreak": " ", "hfill": " ", "hfil": " ", "enspace": " ", "enskip": " ",
    "thinspace": " ", "space": " ", "hspace": " ", "vspace": " ", "hskip": " ", "vskip": " ", "tab": " ",
    "nobreakspace": " ", "nolinebreak": " ", "break": " ", "cr": " ", "sep": ", ", "and": ", ", "textvisiblespace": "␣",
}  # fmt: skip
CHARACTERS = {
    "%": "%", "$": "$", "&": "&", "#": "#", "_": "_", "{": "{", "}": "}", " ": " ", "\t": " ", "\n": " ", ",": " ",
    ";": " ", ":": " ", ">": " ", "\\": " ",
}  # fmt: skip

ARGUMENTS = {
    **dict.fromkeys((
        "address", "addtocontents", "affil", "affiliation", "altaffiliation",
        "authorrunning", "bibliography", "bibliographystyle", "captionsetup", "ccsdesc",
        "collaboration", "conference", "copyrightclause", "copyrightyear", "correspondingauthor", "cortext", "date",
        "dedicatory", "doi", "eads", "ead", "email", "fancyfoot", "fancyhead", "funding", "graphicspath", "hypersetup",
        "icmlkeywords", "icmltitlerunning",
        "institute", "institution", "keywords", "label", "linespread", "lstset", "markright", "marginpar",
        "newcounter", "newlength", "offprints", "orcid", "pacs", "pagenumbering", "pagestyle", "phantom", "preprint",
        "runningauthor", "runninghead", "setminted", "subjclass", "subtitle", "thanks", "thispagestyle",
        "titlerunning", "todo", "usetikzlibrary", "vphantom", "hphantom", "vskip", "subjectclass",
        "thankstext", "tnotetext", "tnotemark", "fnmark", "fntext", "refstepcounter", "stepcounter", "theoremstyle",
        "includegraphics", "includepdf", "epsfig", "psfig", "epsfbox", "plotone", "bibitem", "AMSMSC", "MSC",
        "newsavebox", "usebox", "index", "indexdef", "glossary", "symlabel", "hyphenation", "bstctlcite", "acmConference",
        "arxiv", "footnotetext", "deleted", "DIFdel", "printAffiliationsAndNotice",
        "setlist", "DeclareGraphicsExtensions", "newlist", "copyrightnotice", "allowdisplaybreaks",
    ), "ood"),
    **dict.fromkeys((
        "icmlaffiliation", "icmlauthor", "icmlcorrespondingauthor", "icmlsetsymbol",
        "addtocounter", "addtolength", "definecolor", "DeclareUnicodeCharacter", "indexsee", "markboth", "newfont",
        "numberwithin", "plottwo", "rule", "setcounter", "setlength", "SetMathAlphabet", "indexalso",
        "counterwithin", "settowidth", "fontsize", "DeclareFieldFormat", "sbox", "savebox",
    ), "odd"),
    "author": "odo", "addcontentsline": "ddd", "bibinfo": "dd", "documentclass": "od",
    "documentstyle": "od", "usepackage": "od", "RequirePackage": "od", "color": "od",
    "textcolor": "od", "colorbox": "od", "fcolorbox": "odd", "hyperref": "o", "hypertarget": "d",
    "hyperlink": "d", "scalebox": "do", "resizebox": "dd", "rotatebox": "od", "raisebox": "doo", "parbox": "oood",
    "makebox": "oo", "framebox": "oo", "multicolumn": "dd", "multirow": "odod", "foreignlanguage": "od", "selectlanguage": "d",
    "vspace": "d", "hspace": "d", "adjustbox": "d", "enlargethispage": "d", "setstretch": "d", "pdfbookmark": "odd",
    "linebreak": "o", "pagebreak": "o", "nolinebreak": "o", "nopagebreak": "o", "newtcolorbox": "odood",
    "DeclareFontFamily": "ddd", "DeclareFontShape": "dddddd", "DeclareSymbolFont": "ddddd",
    "DeclareMathSymbol": "dddd", "DeclarePairedDelimiter": "ddd", "DeclareMathAlphabet": "ddddd", "titleformat": "dodddd",
    "titlespacing": "dddd", "cline": "d", "cmidrule": "od", "appendix": "",
    "newcolumntype": "dod", "lstdefinestyle": "dd", "tikzset": "d", "pgfplotsset": "d", "theoremheaderfont": "d",
    "nocite": "d", "input@path": "d", "urlstyle": "d", "AtBeginDocument": "d",
    "crefname": "ddd", "Crefname": "ddd", "acrodef": "dod", "newacronym": "oddd", "DeclareAcronym": "dd",
}  # fmt: skip
_COMMON = (
    "Theorem thm theo thrm theorem theor", "Lemma lem lemma lemm lm", "Proposition prop proposition propn",
    "Corollary cor corollary coro corol", "Definition defn def definition defi dfn", "Remark rem rmk remark rk",
    "Remarks remarks rems", "Example eg ex example exa exmp examp", "Exercise exer exercise", "Axiom axiom ax",
    "Conjecture conj conjecture conjec", "Claim claim clm", "Fact fact", "Notation notation notn",
    "Assumption assumption assum ass", "Question question ques", "Problem problem prob", "Observation obs observation",
    "Hypothesis hypothesis hyp", "Property property", "Note note", "Criterion criterion", "Algorithm algo", "Case case",
)  # fmt: skip
THEOREMS = {name: line.split()[0] for line in _COMMON for name in line.split()[1:]}
# What `\cref{thm:x}` calls what it points to, by the usual prefixes of labels.
REFERENCES = {
    **THEOREMS, **dict.fromkeys(("sec", "sub", "ssec", "subsec", "section", "s"), "Section"),
    **dict.fromkeys(("cha", "chap", "ch", "chapter"), "Chapter"), **dict.fromkeys(("fig", "figure", "f"), "Figure"),
    **dict.fromkeys(("tab", "tbl", "table", "t"), "Table"), **dict.fromkeys(("eq", "eqn", "equation", "e"), "Equation"),
    **dict.fromkeys(("app", "apx", "appendix"), "Appendix"), **dict.fromkeys(("alg", "algorithm"), "Algorithm"),
    **dict.fromkeys(("item", "itm", "it"), "Item"), "part": "Part", "lst": "Listing",
}  # fmt: skip


def accented(accent: str, argument: str) -> str:
    """Return a letter with its accent; an argument without a letter is returned as it is, the accent lost."""
    argument = argument.strip()
    for dotless, letter in _DOTLESS.items():
        if argument.startswith(dotless):
            argument = letter + argument[len(dotless) :]
    if not argument[:1].isalpha():
        return argument
    end = 2 if accent == "t" else 1
    return unicodedata.normalize("NFC", argument[:1] + _ACCENTS[accent] + argument[1:end]) + argument[end:]
