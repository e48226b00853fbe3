"""A sentencepiece model as a Hugging Face fast tokenizer, and the gate that both give the same ids.

Byte-pair models with byte fallback, identity normalisation and no added prefix translate exactly, and so do unigram models that
`unigram` has prepared.

A text that says "<s>" is text. So special tokens are pieces in `tokenizer.json` that nothing merges to and no "added tokens": the
library would look for those in every text, and the file cannot tell it not to. `tokenizer_config.json` names them, and has
transformers leave them alone in texts as well (`split_special_tokens`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from scripts.lib.errors import UserError
from scripts.lib.matching import TOKENIZER_FILE
from scripts.lib.pieces import SPACE
from scripts.lib.sentencepiece_model import Algorithm, Kind, Model, Piece, Unsuited, read_model
from scripts.lib.special_tokens import SPECIAL_COUNT, SPECIAL_TOKENS
from scripts.lib.vocabulary import Vocabulary
from scripts.tokenizer.unigram import OPENING, check_exportable


def merges_of(pieces: Sequence[Piece]) -> list[tuple[str, str]]:
    """Return the merges of a byte-pair model, by the scores of what they make (each score is minus a rank)."""
    score = {piece.text: piece.score for piece in pieces}
    found = []
    for piece, value in score.items():
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in score and right in score:
                found.append((-value, -score[left], -score[right], left, right))
    return [(left, right) for _, _, _, left, right in sorted(found)]


def core_of(model: Model) -> models.Model:
    """Return the part of the fast tokenizer that segments."""
    if model.algorithm == Algorithm.UNIGRAM:
        scores = [(piece.text, piece.score) for piece in model.pieces]
        return models.Unigram(scores, unk_id=0, byte_fallback=True)
    vocabulary = {piece.text: number for number, piece in enumerate(model.pieces)}
    merges = merges_of([piece for piece in model.pieces if piece.kind == Kind.NORMAL])
    return models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True, ignore_merges=False)


def fast_tokenizer(data: bytes) -> Tokenizer:
    """Return the fast tokenizer of a sentencepiece model file. Raises UserError for a model that has none with equal ids."""
    model = read_model(data)
    cutters = [pre_tokenizers.Split(Regex(r"\p{Nd}"), "isolated")]
    if model.algorithm == Algorithm.UNIGRAM:
        try:
            check_exportable(data)
        except Unsuited as error:
            raise UserError(
                f"The tokenizer has no Hugging Face form with equal ids ({error}); use algorithm: bpe."
            ) from None
        cutters.append(pre_tokenizers.Split(OPENING, "merged_with_previous"))
    tokenizer = Tokenizer(core_of(model))
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(cutters) if len(cutters) > 1 else cutters[0]
    tokenizer.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    symbols = [piece.text for piece in model.pieces if piece.kind == Kind.USER_DEFINED]
    tokenizer.add_tokens([AddedToken(symbol, special=False, normalized=False) for symbol in symbols])
    return tokenizer


def write_fast_tokenizer(data: bytes, folder: Path) -> Tokenizer:
    """Write the Hugging Face form of a model file into a folder, and return it as it is read from there."""
    fast_tokenizer(data).save(str(folder / TOKENIZER_FILE))
    names = {
        "unk_token": "<unk>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "mask_token": "<mask>",
        "sep_token": "<sep>",
    }
    config = {
        **names,
        "additional_special_tokens": list(SPECIAL_TOKENS[6:]),
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1 << 30,
        "split_special_tokens": True,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    for name, content in (("tokenizer_config.json", config), ("special_tokens_map.json", names)):
        (folder / name).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return Tokenizer.from_file(str(folder / TOKENIZER_FILE))


def check_equal_ids(vocabulary: Vocabulary, tokenizer: Tokenizer, texts: Iterable[str]) -> int:
    """Return how many texts were compared; raises UserError at the first whose ids differ or that does not come back."""
    count = 0
    for text in texts:
        reference = vocabulary.encode(text)
        if tokenizer.encode(text, add_special_tokens=False).ids != reference:
            raise UserError(
                f"The Hugging Face form gives other ids than sentencepiece for {text[:60]!r}; report this text."
            )
        if any(number < SPECIAL_COUNT for number in reference):
            raise UserError(f"The tokenizer gives a special token for the text {text[:60]!r}; report this text.")
        if vocabulary.decode(reference) != text.replace(SPACE, " "):  # sentencepiece spells a space with that character
            raise UserError(f"The tokenizer does not give {text[:60]!r} back after encoding; report this text.")
        count += 1
    return count
