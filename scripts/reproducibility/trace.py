"""Show what became of a document: its record, every verdict, its copies, and where its text went; or what a step read.

    python -m scripts.reproducibility.trace books:pg1342
    python -m scripts.reproducibility.trace https://example.org/page --results results --json
    python -m scripts.reproducibility.trace --model llama --step 100

By its id or its URL. For every corpus that judged it: each filter's verdict with value and threshold (and the terms or entries
of lists that count), the copy that survived in its place and those in whose place it survives, evaluation items found in it,
personal data replaced, its split, the shards that hold its tokens and the training steps that read them. With --model and --step
the other way round: the documents in the batch of a step, with the tokens of them that the model reads there. Nothing is verified
or written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scripts.lib.errors import UserError
from scripts.reproducibility.batches import ModelBatches, after, batch_lines
from scripts.reproducibility.tracing import Facts, Trace, plain

SHOWN_STEPS = 20


def lines(facts: Facts) -> Iterator[str]:
    """Yield the lines of a readable account."""
    yield facts["id"]
    yield f"  source     {facts['source']}, part {facts['part']}, document {facts['row']} of it"
    for name, value in facts["record"].items():
        if value not in (None, ""):
            yield f"  {name:<10} {value}"
    yield f"  text       {facts['text']['characters']:,} characters: {_short(facts['text']['begins'])}"
    for name in facts["raw"][:5]:
        yield f"  from       sources/{facts['source']}/raw/{name}"
    if len(facts["raw"]) > 5:
        yield f"             and {len(facts['raw']) - 5} more files of the part"
    if facts["attributes"]:
        yield "  attributes"
        yield from (f"    {name:<36} {_number(value)}" for name, value in facts["attributes"].items())
    if not facts["corpora"]:
        yield "  no corpus has judged it"
    for corpus in facts["corpora"]:
        yield from corpus_lines(corpus)


def corpus_lines(corpus: Facts) -> Iterator[str]:
    """Yield the lines on one corpus."""
    yield f"  corpus {corpus['corpus']}: {fate(corpus)}"
    for one in corpus["verdicts"]:
        mark = {True: "passes", False: "FAILS", None: "does not apply"}[one["passed"]]
        limit = "" if one["threshold"] is None else f" {one['sign'] or 'against'} {_number(one['threshold'])}"
        found = f" ({', '.join(one['found'])})" if "found" in one else ""
        yield f"    {one['rule']:<48} {mark}  {_number(one['value'])}{limit}{found}".rstrip()
    for copy in corpus["duplicate_of"]:
        yield f"    {copy['kind']} duplicate of {copy['survivor']} (cluster {copy['cluster']})"
    for copy in corpus["survivor_of"]:
        yield f"    survives in place of {copy['id']} ({copy['kind']}, source {copy['source']}, part {copy['part']})"
    for one in corpus["repeated_paragraphs"]:
        yield f"    paragraph {one['paragraph']} ({one['characters']:,} characters) cut out, since {one['survivor']} has it too"
    for held in corpus["contamination"]:
        yield (
            f"    holds {held['item']} of task {held['task']} at characters {held['start']:,} to {held['stop']:,}: "
            + ("the document goes" if held["removed"] else "cut out")
        )
    curated = corpus["curated"]
    if curated is None:
        return
    change = "changed" if curated["changed"] else "as it was"
    yield f"    text in {curated['file']}, row {curated['row']}: {curated['characters']:,} characters, {change}"
    for name, count in curated["personal_data"].items():
        yield f"    {name} replaces {count} piece{'s' * (count != 1)} of personal data"
    for shard in curated["shards"]:
        yield (
            f"    tokens {shard['first_token']:,} to {shard['first_token'] + shard['tokens']:,} of {shard['file']} "
            f"(document {shard['document']}, tokenizer {shard['tokenizer']})"
        )
        for model in shard["models"]:
            steps = model["steps"]
            about = f"      model {model['model']} ({model['state']}{after(model)}): "
            if steps is None:
                yield f"{about}steps unknown: {model['unknown']}"
                continue
            shown = ", ".join(map(str, steps[:SHOWN_STEPS])) + (", …" if len(steps) > SHOWN_STEPS else "")
            yield f"{about}in {len(steps)} of {model['of']} steps" + (f": {shown}" if steps else "")


def fate(corpus: Facts) -> str:
    """Return in words what became of a document in a corpus."""
    if not corpus["selected"]:
        return f"removed by the filters, first by {corpus['reason']}"
    if corpus["duplicate_of"]:
        return f"removed as a copy of {corpus['duplicate_of'][0]['survivor']}"
    if any(held["removed"] for held in corpus["contamination"]):
        return "removed because it holds evaluation items"
    if corpus["nothing_left"]:
        return "removed because cuts and edits of its lines leave nothing of it (nothing_left)"
    if corpus["curated"] is None:
        return "selected, but not among its curated documents"
    return f"kept, split {corpus['curated']['split']}"


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return (
        f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else "" if value is None else str(value)
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line[:100] + ("…" if len(line) > 100 else "")


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("document", metavar="DOCUMENT", nargs="?", help="id or URL of the document")
    parser.add_argument("--model", help="the model whose batch is asked for")
    parser.add_argument("--step", type=int, help="number of the training step, from 0")
    parser.add_argument("--results", type=Path, default=Path("results"), help="the results to look at")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    args = parser.parse_args(argv)
    asked = args.model is not None and args.step is not None
    if asked == (args.document is not None) or (args.model is None) != (args.step is None):
        parser.error("give either DOCUMENT, or both --model and --step")
    try:
        facts = (
            ModelBatches(args.results, args.model).batch(args.step)
            if asked
            else Trace(args.results).facts(args.document)
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(facts, indent=2, ensure_ascii=False, default=plain))
    else:
        print("\n".join((batch_lines if asked else lines)(facts)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
