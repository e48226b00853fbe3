"""What makes a unigram model give the same ids in every form: scores in whole steps, and no piece that goes on after `<`.

sentencepiece adds scores in 32 bits of floating point and Hugging Face in 64, so equally good paths would be told apart by
rounding. Scores that are multiples of 1/64 add up exactly in both (in 32 bits up to a sum of 2¹⁸, more than 8,000 characters
come to); ties then go to the path that is found first, by the same rule in both.

Hugging Face's unigram model looks for the names of special tokens in the text as for any piece. It never sees one whole when the
text is cut after each `<`, which changes nothing as long as no piece holds more after that character.
"""

from __future__ import annotations

from scripts.lib.sentencepiece_model import SCORE_STEP, Kind, Piece, Unsuited, read_model, with_pieces

OPENING = "<"


def whole_steps(data: bytes) -> bytes:
    """Return a model file whose scores are rounded to whole steps, by less than 0.008 nats."""
    pieces = [
        Piece(piece.text, round(piece.score / SCORE_STEP) * SCORE_STEP, piece.kind) for piece in read_model(data).pieces
    ]
    return with_pieces(data, pieces)


def check_exportable(data: bytes) -> None:
    """Raise Unsuited for a unigram model whose Hugging Face form could give other ids."""
    for piece in read_model(data).pieces:
        if piece.kind == Kind.NORMAL and OPENING in piece.text[:-1]:
            raise Unsuited(f"the piece {piece.text!r} goes on after {OPENING!r}")
        if piece.kind == Kind.NORMAL and piece.score / SCORE_STEP != round(piece.score / SCORE_STEP):
            raise Unsuited(f"the score of {piece.text!r} is no whole step")
        if piece.kind == Kind.USER_DEFINED:
            raise Unsuited("user symbols are weighed against other pieces")
