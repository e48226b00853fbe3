"""Speed of MinHash signatures beside its peers: CPU time, methods in turn, the same documents and number of permutations.

    pip install --target PEERS -r benchmarks/requirements.txt
    PYTHONPATH=.:PEERS python -m benchmarks.minhash --documents results/sources/*/documents/*.parquet

From texts to signatures of 128 numbers over shingles of 5 words. Ours also folds Unicode and makes the exact and paragraph
digests. gaoya cuts and signs in Rust (a query of an empty index); rensa and datasketch sign what `str.split` cuts, and rensa is
timed once more on shingles that are cut before. datatrove and datasketch, far slower, get a sample, and so do we beside them.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.cleaning.minhash import Signatures, permutations

SHINGLE, PERMUTATIONS, BATCH = 5, 128, 1_000
Method = Callable[[Sequence[str]], object]


def ours(texts: Sequence[str]) -> None:
    """Sign with Groundwork, in batches as the step reads them."""
    functions = permutations(PERMUTATIONS, 1)
    for start in range(0, len(texts), BATCH):
        Signatures(pa.array(texts[start : start + BATCH], pa.string()), SHINGLE, functions)


def shingles(text: str) -> list[str]:
    """Return the shingles of a text as the peers without a word splitter of their own are commonly given them."""
    words = text.lower().split()
    return [" ".join(words[start : start + SHINGLE]) for start in range(max(1, len(words) - SHINGLE + 1))]


def quick_peers() -> dict[str, Method]:
    """Return the compiled peers that are installed."""
    methods: dict[str, Method] = {}
    try:
        from gaoya.minhash import MinHashStringIndex

        index = MinHashStringIndex(32, 0.7, 32, 4, None, "word", True, (SHINGLE, SHINGLE))
        methods["gaoya"] = lambda texts: [index.query(text) for text in texts]
    except ImportError:
        pass
    try:
        from rensa import CMinHash, RMinHash

        def sign(texts: Sequence[str]) -> None:
            for start in range(0, len(texts), BATCH):
                some = [shingles(text) for text in texts[start : start + BATCH]]
                RMinHash.digest_matrix_from_token_sets(some, PERMUTATIONS, 42)

        def sign_c(texts: Sequence[str]) -> None:
            for text in texts:
                one = CMinHash(num_perm=PERMUTATIONS, seed=42)
                one.update(shingles(text))
                one.digest()

        methods |= {"rensa RMinHash": sign, "rensa CMinHash": sign_c}
    except ImportError:
        pass
    return methods


def slow_peers() -> dict[str, Method]:
    """Return the peers in Python that are installed."""
    methods: dict[str, Method] = {}
    try:
        from datasketch import MinHash

        def sketch(texts: Sequence[str]) -> None:
            for text in texts:
                one = MinHash(num_perm=PERMUTATIONS)
                one.update_batch([shingle.encode("utf-8") for shingle in shingles(text)])

        methods["datasketch"] = sketch
    except ImportError:
        pass
    try:
        from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature

        config = MinhashConfig(n_grams=SHINGLE, num_buckets=16, hashes_per_bucket=8)
        step = MinhashDedupSignature(output_folder="/tmp", config=config)
        step.get_signature(step.get_shingles("a first text loads the word splitter"))

        def trove(texts: Sequence[str]) -> None:
            for text in texts:
                found = step.get_shingles(text)
                if found.size:  # as its own pipeline does
                    step.get_signature(found)

        methods["datatrove"] = trove
    except ImportError:
        pass
    return methods


def ready_shingles(texts: Sequence[str]) -> dict[str, Method]:
    """Return rensa on shingles that are cut already: its hashing alone."""
    try:
        from rensa import RMinHash
    except ImportError:
        return {}
    cut = [shingles(text) for text in texts]
    return {"rensa, shingles given": lambda _: RMinHash.digest_matrix_from_token_sets(cut, PERMUTATIONS, 42)}


def timed(methods: dict[str, Method], texts: Sequence[str], rounds: int) -> dict[str, float]:
    """Return the median CPU seconds of each method; their order changes from round to round."""
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    order = list(methods)
    for number in range(rounds):
        random.Random(number).shuffle(order)
        for name in order:
            began = time.process_time()
            methods[name](texts)
            seconds[name].append(time.process_time() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


def show(texts: Sequence[str], found: dict[str, float]) -> None:
    """Print a table of speeds and their ratios to ours."""
    size = sum(len(text.encode("utf-8")) for text in texts)
    print(f"\n{len(texts):,} documents, {size / 1e6:.1f} MB, {PERMUTATIONS} permutations, shingles of {SHINGLE} words")
    print("| method | CPU seconds | documents/s | MB/s | ours is |\n|---|---|---|---|---|")
    for name, seconds in found.items():
        speed = f"{len(texts) / seconds:,.0f} | {size / 1e6 / seconds:.2f}"
        print(f"| {name} | {seconds:.2f} | {speed} | {seconds / found['groundwork']:.1f} x as fast |")


def main() -> None:
    """Run both comparisons and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="Parquet files with a column `text`")
    parser.add_argument(
        "--longest", type=int, default=100_000, help="characters; longer documents (books) are left out"
    )
    parser.add_argument("--sample", type=int, default=40, help="one in so many documents is for the slow peers")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    texts = [text for path in args.documents for text in pq.read_table(path, columns=["text"])["text"].to_pylist()]
    texts = [text for text in texts if len(text) <= args.longest]
    ours(texts[:2])  # compiled before it is timed
    show(texts, timed({"groundwork": ours, **quick_peers(), **ready_shingles(texts)}, texts, args.rounds))
    sample = texts[:: args.sample]
    show(sample, timed({"groundwork": ours, **slow_peers()}, sample, args.rounds))


if __name__ == "__main__":
    main()
