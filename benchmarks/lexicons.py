"""Looking for terms beside one regular expression of alternatives, as C4 and datatrove look for bad words: CPU time.

    python -m benchmarks.lexicons --documents ../shared/reference/filter-decisions.jsonl.gz

The terms are words of the documents themselves, of middling frequency; the documents are those in which none of them occurs,
since a search that stops at the first match is fast where it finds one. Ours counts words too. Both agree that nothing is there.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from scripts.cleaning.lexicons import Lexicon, spelled

ROUNDS = 5
SIZES = (100, 400)


def cpu(look: Callable[[str], bool], texts: list[str]) -> float:
    """Return the CPU seconds that a look at all texts takes; raises AssertionError when it finds something."""
    start = time.process_time()
    if any([look(text) for text in texts]):
        raise AssertionError("a term was found where none is")
    return time.process_time() - start


def by_terms(lexicon: Lexicon) -> Callable[[str], bool]:
    """Return our look at a text."""
    return lambda text: bool(len(lexicon.find(text).terms))


def by_alternatives(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    """Return that of one expression."""
    return lambda text: pattern.search(text.lower()) is not None


def main() -> None:
    """Print megabytes a second and the ratio of medians for lists of several sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=Path, required=True, help="JSON lines with a text each, gzip")
    args = parser.parse_args()
    with gzip.open(args.documents, "rt", encoding="utf-8") as stream:
        texts = [json.loads(line)["text"] for line in stream]
    counts = Counter(word for text in texts for word in re.findall(r"[a-z]{3,}", text.lower()))
    ranked = [word for word, _ in counts.most_common()]
    for size in SIZES:
        terms = sorted(ranked[2000:6000])[:: 4000 // size]
        lexicon = Lexicon(map(spelled, terms))
        pattern = re.compile(rf"(?:\W|^)({'|'.join(map(re.escape, terms))})(?:\W|$)")
        clean = [text for text in texts if not len(lexicon.find(text).terms) and not pattern.search(text.lower())][:400]
        looks = (by_terms(lexicon), by_alternatives(pattern))
        pairs = [[cpu(look, clean) for look in looks] for _ in range(ROUNDS)]
        mine, theirs = (statistics.median(one) for one in zip(*pairs, strict=True))
        megabytes = sum(len(text.encode("utf-8")) for text in clean) / 1e6
        print(
            f"{size} terms, {len(clean)} documents, {megabytes:.2f} MB: {megabytes / mine:.1f} MB/s, "
            f"alternatives {megabytes / theirs:.2f} MB/s, ratio {theirs / mine:.1f}"
        )


if __name__ == "__main__":
    main()
