"""Speed of encoding for shards beside sentencepiece and its peers: CPU time on one core, methods in turn, the same documents.

    pip install --target PEERS -r benchmarks/requirements.txt
    PYTHONPATH=.:PEERS python -m benchmarks.encode --documents results/corpora/english/documents/*/*.parquet \\
        --tokenizer results/tokenizers/english

`compiled` is the encoder of large parts; `compiled, checked` also compares a sample with sentencepiece, as a shard does.
Its cache of runs is empty when a round begins. From texts in memory to ids, as each program hands them out: ours those of a
batch in one array, with how many each document has, the others a list for each document. The last table also writes them to
files, as a shard and as datatrove's tokens. The column `equal` says how many documents get the ids of sentencepiece, or how
many tokens of the files are those of the shard by sentencepiece.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

os.environ |= {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sentencepiece
from tokenizers import Tokenizer

from scripts.lib.encoding import FastEncoder
from scripts.lib.indexed import IndexedWriter, smallest_dtype
from scripts.lib.sentencepiece_model import read_model
from scripts.lib.special_tokens import END
from scripts.lib.vocabulary import Vocabulary, neighbours_of
from scripts.shards.engines import Checked, Engine, Reference

BATCH = 500
Method = Callable[[Sequence[str]], list[Any]]


def in_batches(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    """Yield texts as the step reads them."""
    for start in range(0, len(texts), BATCH):
        yield texts[start : start + BATCH]


def forget(fast: FastEncoder) -> None:
    """Empty the cache of runs: texts are new to the encoder of a part."""
    fast._cache.words[:] = 0


def by_engine(make: Callable[[], Engine], fast: FastEncoder) -> Method:
    """Return a method of ours, with a new engine each time.

    Its texts come from Parquet as Arrow strings, so these are made before it is timed.
    """
    prepared: dict[int, list[pa.Array]] = {}

    def encode(texts: Sequence[str]) -> list[Any]:
        if id(texts) not in prepared:
            prepared[id(texts)] = [pa.array(some, pa.string()) for some in in_batches(texts)]
            return []
        engine = make()
        forget(fast)
        return [engine.encode(some, END) for some in prepared[id(texts)]]

    return encode


def by_document(found: list[Any]) -> list[Any]:
    """Return the ids of each document: ours come as those of a batch together, with how many each document has."""
    if found and isinstance(found[0], tuple):
        return [one[:-1] for ids, sizes in found for one in np.split(ids, np.cumsum(sizes)[:-1])]
    return found


def methods(folder: Path) -> dict[str, Method]:
    """Return what can be measured with what is installed."""
    path = folder / "tokenizer.model"
    vocabulary, model = Vocabulary(path), read_model(path.read_bytes())
    neighbours = neighbours_of(model)
    processor: Any = sentencepiece.SentencePieceProcessor(model_file=str(path))

    class Unchecked:
        name = "compiled"
        fast = FastEncoder(model)

        def encode(self, texts: pa.StringArray, end: int) -> Any:
            return self.fast.encode(texts, end)

    hugging: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def fast_batches(texts: Sequence[str]) -> list[Any]:
        return [
            one.ids
            for some in in_batches(texts)
            for one in hugging.encode_batch_fast(list(some), add_special_tokens=False)
        ]

    found: dict[str, Method] = {
        "sentencepiece": lambda texts: list(processor.encode(list(texts), num_threads=1)),
        "compiled": by_engine(Unchecked, Unchecked.fast),
        "compiled, checked": by_engine(lambda: Checked(Unchecked.fast, vocabulary, neighbours), Unchecked.fast),
        "tokenizers encode_batch_fast": fast_batches,
    }
    try:
        import gigatoken

        giga = gigatoken.Tokenizer.from_sentencepiece(path.read_bytes())
        found["gigatoken"] = lambda texts: [
            np.asarray(one) for some in in_batches(texts) for one in giga.encode_batch(list(some), parallel=False)
        ]
    except (ImportError, ValueError):  # it takes no unigram model
        pass
    try:
        import kitoken

        kit = kitoken.Kitoken.from_sentencepiece_file(str(path))
        found["kitoken"] = lambda texts: list(
            itertools.chain.from_iterable(map(kit.encode_all, map(list, in_batches(texts))))
        )
    except ImportError:
        pass
    return found


def writers(folder: Path, target: Path) -> dict[str, Method]:
    """Return what also writes the tokens to files."""
    vocabulary = Vocabulary(folder / "tokenizer.model")
    model = read_model((folder / "tokenizer.model").read_bytes())
    fast, neighbours = FastEncoder(model), neighbours_of(model)

    def shard(make: Callable[[], Engine]) -> Method:
        def write(texts: Sequence[str]) -> list[Any]:
            forget(fast)
            engine, kind = make(), smallest_dtype(vocabulary.size)
            with IndexedWriter(target / "part.bin", target / "part.idx", kind) as writer:
                for some in in_batches(texts):
                    ids, sizes = engine.encode(pa.array(some, pa.string()), END)
                    writer.add_many(ids, sizes)
            return []

        return write

    found = {
        "shard, sentencepiece": shard(lambda: Reference(vocabulary)),
        "shard, compiled and checked": shard(lambda: Checked(fast, vocabulary, neighbours)),
    }
    try:
        from datatrove.data import Document
        from datatrove.pipeline.tokens import DocumentTokenizer

        def trove(texts: Sequence[str]) -> list[Any]:
            step = DocumentTokenizer(
                str(target), str(folder / "tokenizer.json"), eos_token="</s>", shuffle_documents=False
            )
            documents = (Document(text=text, id=str(number)) for number, text in enumerate(texts))
            list(step.run(documents) or ())
            return []

        found["datatrove DocumentTokenizer"] = trove
    except ImportError:
        pass
    return found


def some_texts(documents: Sequence[Path], megabytes: float) -> tuple[list[str], float]:
    """Return documents drawn from all files together until they have a number of megabytes, and how many they have."""
    texts = [text for path in documents for text in pq.read_table(path, columns=["text"])["text"].to_pylist()]
    random.Random(1).shuffle(texts)
    sizes = np.cumsum([len(text.encode("utf-8")) for text in texts]) / 1e6
    count = min(int(np.searchsorted(sizes, megabytes)) + 1, len(texts))
    return texts[:count], float(sizes[count - 1])


def written(choices: dict[str, Method], texts: Sequence[str], target: Path, kind: np.dtype[Any]) -> dict[str, str]:
    """Return how many tokens of each writer's file are those of the first one's, which is sentencepiece's."""
    equal, reference = {}, None
    for name, write in choices.items():
        write(texts)
        path = next(iter(sorted(target.glob("*.ds"))), target / "part.bin")
        ids = np.fromfile(path, kind)
        reference = ids if reference is None else reference
        same = int((ids == reference).sum()) if len(ids) == len(reference) else 0
        equal[name] = f"{same:,} of {len(reference):,}"
    return equal


def timed(choices: dict[str, Method], texts: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each method in each round; their order changes from round to round."""
    seconds: dict[str, list[float]] = {name: [] for name in choices}
    order = list(choices)
    for number in range(rounds):
        random.Random(number).shuffle(order)
        for name in order:
            began = time.process_time()
            choices[name](texts)
            seconds[name].append(time.process_time() - began)
    return seconds


def show(seconds: dict[str, list[float]], size: float, equal: dict[str, str], beside: str) -> None:
    """Print speeds, and the median over rounds of the ratio to one of the methods."""
    print("| method | CPU seconds | MB/s | speed beside " + beside + " | equal |\n|---|---|---|---|---|", flush=True)
    for name, values in seconds.items():
        middle = statistics.median(values)
        ratio = statistics.median(a / b for a, b in zip(seconds[beside], values, strict=True))
        print(f"| {name} | {middle:.2f} | {size / middle:.2f} | {ratio:.1f} x | {equal.get(name, '')} |", flush=True)


def main() -> None:
    """Run the comparisons and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="Parquet files with a column `text`")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of a tokenizer")
    parser.add_argument("--megabytes", type=float, default=20, help="of text, drawn from all files")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    texts, size = some_texts(args.documents, args.megabytes)
    choices = methods(args.tokenizer)
    for name in ("compiled", "compiled, checked"):
        choices[name](texts)  # prepares the texts
    reference = choices["sentencepiece"](texts)
    equal = {}
    for name, method in choices.items():
        found = by_document(method(texts))
        same = sum(list(a) == list(b) for a, b in zip(reference, found, strict=True))
        equal[name] = f"{same:,} of {len(texts):,}"
    print(f"{len(texts):,} documents, {size:.1f} MB, {args.rounds} rounds\n")
    show(timed(choices, texts, args.rounds), size, equal, "sentencepiece")
    with tempfile.TemporaryDirectory() as folder:
        print("\nWith the files:\n")
        choices = writers(args.tokenizer, Path(folder))
        kind = smallest_dtype(Vocabulary(args.tokenizer / "tokenizer.model").size)
        equal = written(choices, texts, Path(folder), kind)
        show(timed(choices, texts, args.rounds), size, equal, "shard, sentencepiece")


if __name__ == "__main__":
    main()
