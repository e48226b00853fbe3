"""How much memory the training of a tokenizer takes, by the size of its sample; docs/tokenizers.md says how it was measured."""

BASE = 200  # MB of the program itself
FACTOR = 40  # bytes for a byte of the sample, as byte-pair training takes of text without spaces; all else takes less


def megabytes(size: int) -> int:
    """Return the memory in MB for a sample of `size` bytes."""
    return BASE + FACTOR * size // 1_000_000
