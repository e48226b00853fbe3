"""Write docs/filters.md from the filter families, or check that it is fresh.

python -m scripts.registry.filter_reference --check
python -m scripts.registry.filter_reference --write
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from scripts.cleaning.filters import EVERY_FAMILY, SKIP, Limit, Rule, rules_of
from scripts.lib.code import ROOT

PAGE = ROOT / "docs" / "filters.md"
HEAD = """# Filters

Generated from `scripts/cleaning/filters.py` by `make format`. `annotate` measures every document once; `select` compares what was
measured with these limits, so another threshold reads no text. A corpus chooses families (`corpora.NAME.filters.families`) and
replaces thresholds by the name of the rule (`thresholds`), and may do both for some sources and languages (`overrides`, the later
ones win). Every verdict on every document stands in `results/corpora/NAME/selection/`: true, false, or null where a rule does not
apply.

**Scripts without spaces.** A document of whose letters at least a sixth are Han, kana, Thai, Lao, Khmer, Burmese, Tibetan,
Tai Lue, Tai Tham, Javanese or Balinese is measured in characters for the most part (each of these counts as a word, and other
words have about five letters) and is held to the limits of the fourth column. Where it says *not applied*, nothing published fits
what is measured there; only an override that names the language sets a limit then, for example those of FineWeb2 (Penedo et al.
2025):

```yaml
filters:
  overrides:
    - languages: [zh]
      thresholds: {fineweb.min_punctuated_lines: 0.106}
    - languages: [ja]
      thresholds: {fineweb.min_punctuated_lines: 0.167}
    - sources: [forum]
      families: [length, gopher_repetition]
      line_edits: []
```

**Languages.** `zh` in a list of languages stands for `zh-hans` and `zh-hant` too. A rule that counts words of one language
says so and leaves documents in all others alone, unidentified ones (`und`) among them.

**Where verdicts differ from datatrove's.** In English they do not. In other languages
- C4's lines may end in the sentence terminals of all scripts (`。`, `।`, `؟`), not only in `.`, `?`, `!` and quotation marks, so
  a Hindi page is not left without lines;
- Gopher's stop words, which are English, are asked for in English alone;
- documents in scripts without spaces are measured and limited as above.
"""
LEXICONS = """A lexicon is a name for lists of terms (`lexicons.NAME`): text files of your own with a term a line, for all
documents or for those in one language. A corpus names the lexicons that its documents are held to (`filters.lexicons`), and the
rules hold for each of them; documents in a language for which a lexicon has no terms are left alone. `matches` counts places,
`share` the words within them.

```yaml
lexicons:
  bad-words:
    languages: {en: [lists/en.txt], de: [lists/de.txt], ja: [lists/ja.txt]}
corpora:
  web:
    filters:
      families: [length, gopher_quality, gopher_repetition, c4, lexicon]
      lexicons: [bad-words]
      # C4's rule is the default: no match. To bear a passing mention, switch it off and keep the share:
      thresholds: {lexicon.bad-words.max_matches: null, lexicon.bad-words.max_share: 0.005}
```

A term matches whole words, whatever their case, their Unicode form and the white space between them; in scripts without spaces
it matches anywhere. Letters, marks and digits make words, so `ham-fisted` and `ham_radio` hold `ham` and `hamlet` does not (C4
takes `_` for a letter); endings that a language puts on its words have to be listed. No list comes with Groundwork. C4 took the
*List of Dirty, Naughty, Obscene or Otherwise Bad Words* (github.com/LDNOOBW, CC-BY-4.0, a file for each language), which also
removes many harmless documents about and by minorities (Dodge et al. 2021, Documenting Large Webtext Corpora, section 5): look at
the audit of the corpus before you trust it. `flag` looks for the terms of a lexicon once in each part, so another threshold reads
no text, and an edit of a list looks for the terms of its lexicon alone. The manifests under `results/lexicons/NAME/flags/` count
the commonest terms; `trace` names those of one document."""
TELLS = {
    "url": "Its columns count entries of the lists that `filters.url_lists` names; documents without address are left alone.",
    "c4": "What C4 does to lines is `filters.line_edits: [c4]`; `min_sentences` counts in what these edits leave.",
    "lexicon": LEXICONS,
    "refinedweb": "A line is poor when it is mostly capitals, only digits, a counter (3 likes), or one word. "
    "`filters.line_edits: [refinedweb]` removes such lines; the rule looks at the text before any edit.",
}


def page() -> str:
    """Return the text of docs/filters.md."""
    return HEAD + "".join(_family(name, rules_of(name, ["NAME"])) for name in EVERY_FAMILY)


def _family(name: str, rules: Sequence[Rule]) -> str:
    told = f"{TELLS[name]}\n\n" if name in TELLS else ""
    head = "| rule | passes while | default | in scripts without spaces | from |\n|---|---|--:|---|---|\n"
    return f"\n## {name}\n\n{told}{head}" + "".join(map(_row, rules))


def _row(rule: Rule) -> str:
    sign = "≥" if rule.at_least else "≤"
    measured = f"`{rule.column}` {sign}" + (f" (in `{rule.language}` alone)" if rule.language else "")
    return f"| `{rule.name}` | {measured} | {rule.threshold:,g} | {_unspaced(rule, sign)} | {rule.paper} |\n"


def _unspaced(rule: Rule, sign: str) -> str:
    if isinstance(rule.unspaced, Limit):
        column = "" if rule.unspaced.column == rule.column else f"`{rule.unspaced.column}` {sign} "
        return f"{column}{rule.unspaced.threshold:,g}: {rule.unspaced.paper}"
    return "not applied" if rule.unspaced == SKIP else "the same"


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="exit with 1 when the page is stale")
    action.add_argument("--write", action="store_true", help="write the page")
    args = parser.parse_args(argv)
    if args.write:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text("utf-8") != page():
        print("error: docs/filters.md is stale; run `make format`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
