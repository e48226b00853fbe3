"""What the filters keep of one book in many languages: by the limits for scripts without spaces, and without them.

    PYTHONPATH=.:PEERS python -m benchmarks.unspaced --pages debian-handbook/usr/share/doc/debian-handbook/html

The pages are those of the Debian package debian-handbook 11.20220922 (`apt-get download`, `dpkg -x`): the same 127 pages in each
language, as far as they are translated, with code in all of them. PEERS is that of benchmarks/requirements.txt.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.main_text import ours
from scripts.cleaning.choices import Choice
from scripts.cleaning.measures import Measures, measure
from scripts.lib.unspaced import UNSPACED

FAMILIES = ("length", "gopher_quality", "gopher_repetition", "c4", "fineweb")
SHORTEST = 100  # characters


def passes(measured: Measures, language: str, unspaced: bool) -> bool:
    """Tell whether a page passes every rule that applies to it."""
    choice = Choice(FAMILIES)
    for rule in choice.rules():
        limit = choice.applied(rule, language, unspaced)
        if limit is None:
            continue
        value = measured[limit.column]
        if not (value >= limit.threshold if limit.at_least else value <= limit.threshold):
            return False
    return True


def main() -> None:
    """Print how many pages are kept, by language."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, required=True, help="a folder of HTML pages for each language")
    parser.add_argument("--languages", nargs="+", default=["en-US", "de-DE", "ko-KR", "zh-CN", "zh-TW", "ja-JP"])
    args = parser.parse_args()
    print("| language | pages | kept | kept by the limits for scripts with spaces alone |\n|---|--:|--:|--:|")
    for name in args.languages:
        texts = [ours(path.read_text("utf-8")) for path in sorted((args.pages / name).glob("*.html"))]
        found = [measure(text) for text in texts if len(text) >= SHORTEST]
        language = name.partition("-")[0]
        kept = sum(passes(one, language, one["unspaced_ratio"] >= UNSPACED) for one in found)
        spaced = sum(passes(one, language, False) for one in found)
        print(f"| {name} | {len(found)} | {kept} | {spaced} |", flush=True)


if __name__ == "__main__":
    main()
