"""A published tokenizer, loaded for encoding; sentencepiece is the reference."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import sentencepiece

from scripts.lib.manifest import Artefact
from scripts.lib.pieces import SPACE
from scripts.lib.sentencepiece_model import Algorithm, Kind, Model, algorithm_of, read_model
from scripts.lib.special_tokens import SPECIAL_COUNT

MODEL = "tokenizer.model"
EXACT_CHARACTERS = (
    8_000  # a unigram model sums scores in 32 bits, which is exact for texts of this length and not for books
)


def model_of(tokenizer: Artefact) -> Path:
    """Return the path of the sentencepiece model of an artefact `results/tokenizers/<name>.json`."""
    return tokenizer.path(f"{tokenizer.manifest_path.stem}/{MODEL}")


class Vocabulary:
    """Encodes text to ids and back; text never encodes to a special token.

    Long texts are given to a unigram model in stretches that no piece crosses, so that its sums are exact (see
    `scripts.tokenizer.unigram`); the ids are those that the exact sums of the whole text have.
    """

    def __init__(self, model: Path) -> None:
        self._processor: Any = sentencepiece.SentencePieceProcessor(model_file=str(model))
        self.size: int = self._processor.get_piece_size()
        data = model.read_bytes()
        self._neighbours: frozenset[str] | None = None
        if algorithm_of(data) == Algorithm.UNIGRAM:
            self._neighbours = neighbours_of(read_model(data))

    @classmethod
    def of(cls, tokenizer: Artefact) -> Self:
        """Load the tokenizer of an artefact."""
        return cls(model_of(tokenizer))

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without special tokens."""
        ids: list[int]
        if self._neighbours is None or len(text) <= EXACT_CHARACTERS:
            ids = self._processor.encode(text)
        else:
            ids = [
                number for some in self._stretches(text, self._neighbours) for number in self._processor.encode(some)
            ]
        return ids

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids; special tokens stand for nothing."""
        text: str = self._processor.decode([number for number in ids if number >= SPECIAL_COUNT])
        return text

    def pieces(self) -> list[str]:
        """Return the pieces by id."""
        return [self._processor.id_to_piece(number) for number in range(self.size)]

    @staticmethod
    def _stretches(text: str, neighbours: frozenset[str]) -> Iterator[str]:
        """Yield a text cut between characters that stand side by side in no piece, where it can be in time."""
        spelled = text.replace(SPACE, " ")
        start = 0
        while start < len(text):
            stop = certain_cut(spelled, start, EXACT_CHARACTERS, neighbours)
            yield text[start:stop]
            start = stop


def neighbours_of(model: Model) -> frozenset[str]:
    """Return the pairs of characters that stand side by side in pieces, spaces as spaces."""
    found = (Kind.NORMAL, Kind.USER_DEFINED)
    texts = [piece.text.replace(SPACE, " ") for piece in model.pieces if piece.kind in found]
    return frozenset(first + second for text in texts for first, second in itertools.pairwise(text))


def certain_cut(spelled: str, start: int, most: int, neighbours: frozenset[str]) -> int:
    """Return where a text, spaces as spaces, can be cut after at most `most` characters from `start` on: no piece crosses there.

    Where no piece ends for certain that soon, it is the first such place behind.
    """
    latest = stop = min(start + most, len(spelled))
    while start < stop < len(spelled) and spelled[stop - 1 : stop + 1] in neighbours:
        stop -= 1
    if stop > start:
        return stop
    while latest < len(spelled) and spelled[latest - 1 : latest + 1] in neighbours:
        latest += 1
    return latest
