"""Write docs/filters.md from the filter families, or check that it is fresh.

python -m scripts.registry.filter_reference --check
python -m scripts.registry.filter_reference --write
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from scripts.cleaning.filters import FAMILIES, SKIP, Limit, Rule
from scripts.lib.code import ROOT

PAGE = ROOT / "docs" / "filters.md"
HEAD = """# Filters

Generated from `scripts/cleaning/filters.py` by `make format`. `annotate` measures every document once; `select` compares what was
measured with these limits, so another threshold reads no text. A corpus chooses families (`corpora.NAME.filters.families`) and
replaces thresholds by the name of the rule (`thresholds`), and may do both for some sources and languages (`overrides`, the later
ones win). Every verdict on every document stands in `results/corpora/NAME/selection/`: true, false, or null where a rule does not
apply.

**Scripts without spaces.** A document of whose letters at least a sixth are Han, kana, Thai, Lao, Khmer or Burmese is measured
in characters for the most part (each of these counts as a word, and other words have about five letters) and is held to the
limits of the fourth column. Where it says *not applied*, nothing published fits what is measured there; only an override that
names the language sets a limit then, for example those of FineWeb2 (Penedo et al. 2025):

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
"""
TELLS = {
    "url": "Its columns count entries of the lists that `filters.url_lists` names; documents without address are left alone.",
    "c4": "What C4 does to lines is `filters.line_edits: [c4]`; `min_sentences` counts in what these edits leave.",
    "refinedweb": "A line is poor when it is mostly capitals, only digits, a counter (3 likes), or one word.",
}


def page() -> str:
    """Return the text of docs/filters.md."""
    return HEAD + "".join(_family(name, rules) for name, rules in FAMILIES.items())


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
