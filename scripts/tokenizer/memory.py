"""How much memory the training of a tokenizer takes, by the size of its sample; docs/tokenizers.md says how it was measured."""

BASE = 200  # MB of the program itself
FACTORS = {"bpe": 20, "unigram": 40}  # bytes of memory for a byte of the sample, twice what was measured


def megabytes(algorithm: str, size: int) -> int:
    """Return the memory in MB for a sample of `size` bytes."""
    return BASE + FACTORS[algorithm] * size // 1_000_000
