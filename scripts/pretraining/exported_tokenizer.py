"""The tokenizer of an export, loaded as users of the export load it, before anything is trained."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PretrainedConfig

from scripts.lib.errors import UserError
from scripts.lib.matching import TOKENIZER_FILE
from scripts.lib.nasty import NASTY


def exported_tokenizer(config: PretrainedConfig, folder: Path) -> Any:
    """Load the tokenizer in a folder from beside the configuration of a model, which has a say in how transformers reads it.

    Raises UserError where ids are others than those of its tokenizer.json, which were compared with sentencepiece's before.
    """
    with TemporaryDirectory() as made:
        for file in sorted(folder.iterdir()):
            shutil.copyfile(file, Path(made, file.name))
        config.save_pretrained(made)
        loaded = AutoTokenizer.from_pretrained(made)
    plain = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    for text in NASTY:
        if loaded.encode(text, add_special_tokens=False) != plain.encode(text, add_special_tokens=False).ids:
            raise UserError(
                f"{folder / TOKENIZER_FILE} gives other ids for {text[:60]!r} when transformers loads it with a model of type "
                f"{config.model_type}; report this text."
            )
    return loaded
