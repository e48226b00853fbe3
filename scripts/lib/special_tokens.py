"""The special tokens of every tokenizer of the project and their fixed ids.

They are control pieces: no text ever encodes to one of them, programs put them in by id. The separators are for the
tasks of fine-tuning (`<question>` … `<answer>` …); `<mask>` is for masked language models.
"""

from __future__ import annotations

UNKNOWN, BEGIN, END, PAD, MASK, SEPARATOR = range(6)
SEPARATORS = ("<sep>", "<text>", "<label>", "<context>", "<question>", "<answer>", "<source>", "<target>")
SPECIAL_TOKENS = ("<unk>", "<s>", "</s>", "<pad>", "<mask>", *SEPARATORS)
SPECIAL_IDS = {token: number for number, token in enumerate(SPECIAL_TOKENS)}
SPECIAL_COUNT = len(SPECIAL_TOKENS)  # every id below it is special, no id from it on
