"""A published tokenizer, loaded for encoding; sentencepiece is the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import sentencepiece

from scripts.lib.manifest import Artefact
from scripts.lib.special_tokens import SPECIAL_COUNT

MODEL = "tokenizer.model"


def model_of(tokenizer: Artefact) -> Path:
    """Return the path of the sentencepiece model of an artefact `results/tokenizers/<name>.json`."""
    return tokenizer.path(f"{tokenizer.manifest_path.stem}/{MODEL}")


class Vocabulary:
    """Encodes text to ids and back; text never encodes to a special token."""

    def __init__(self, model: Path) -> None:
        self._processor: Any = sentencepiece.SentencePieceProcessor(model_file=str(model))
        self.size: int = self._processor.get_piece_size()

    @classmethod
    def of(cls, tokenizer: Artefact) -> Self:
        """Load the tokenizer of an artefact."""
        return cls(model_of(tokenizer))

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without special tokens."""
        ids: list[int] = self._processor.encode(text)
        return ids

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids; special tokens stand for nothing."""
        text: str = self._processor.decode([number for number in ids if number >= SPECIAL_COUNT])
        return text

    def pieces(self) -> list[str]:
        """Return the pieces by id."""
        return [self._processor.id_to_piece(number) for number in range(self.size)]
