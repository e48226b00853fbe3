"""Token ids mean something with the tokenizer that made them only: whatever holds or reads ids names it by a digest.

Shards, orders, plans, states and models have the digest of the tokenizer's manifest in the summary of theirs. The export of a
model has the digest of its tokenizer.json in config.json, so that it also tells away from the results.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.lib.canonical import sha256_file
from scripts.lib.errors import UserError
from scripts.lib.manifest import Artefact

TOKENIZER_DIGEST = "tokenizer_digest"  # in the summary of a manifest
TOKENIZER_FILE = "tokenizer.json"


def check_tokenizer(made: Artefact, tokenizer: Artefact) -> None:
    """Raise UserError for an artefact whose ids are another tokenizer's."""
    if made.summary[TOKENIZER_DIGEST] != tokenizer.digest:
        raise UserError(
            f"{made.manifest_path} was made with another tokenizer than {tokenizer.manifest_path}; run the workflow again."
        )


def stamp_tokenizer(config: Any, folder: Path) -> None:
    """Put the digest of the tokenizer in a folder into the Hugging Face configuration of the model that reads its ids."""
    config.tokenizer_sha256 = sha256_file(folder / TOKENIZER_FILE)


def check_stamp(config: Any, folder: Path) -> None:
    """Raise UserError where the tokenizer in a folder is not the one that a model's configuration names."""
    if getattr(config, "tokenizer_sha256", None) != sha256_file(folder / TOKENIZER_FILE):
        raise UserError(
            f"{folder / TOKENIZER_FILE} is not the tokenizer that the model was trained with (tokenizer_sha256 in its "
            "config.json); run the workflow again."
        )
