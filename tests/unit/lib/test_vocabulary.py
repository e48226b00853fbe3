"""A published tokenizer as other stages load it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.lib.errors import UserError
from scripts.lib.manifest import open_artefact
from scripts.lib.special_tokens import BEGIN, END, MASK, PAD, SEPARATOR, SPECIAL_IDS, SPECIAL_TOKENS, UNKNOWN
from scripts.lib.vocabulary import Vocabulary
from tests.making import publish_curated
from tests.real_text import topic_documents
from tests.unit.tokenizer.test_tokenizer import train_tokenizer

TEXTS = {f"reference:{row['id']}": row["text"] for row in topic_documents()[:20]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("vocabulary")
    publish_curated(made / "documents" / "reference" / "0000.json", TEXTS)
    return made


@pytest.fixture(scope="module")
def vocabulary(folder: Path) -> Vocabulary:
    manifest = train_tokenizer(folder, [folder / "documents" / "reference" / "0000.json"], vocabulary=600)
    return Vocabulary.of(open_artefact(manifest))


def test_special_tokens_stand_first_in_their_order(vocabulary: Vocabulary) -> None:
    pieces = vocabulary.pieces()
    assert tuple(pieces[: len(SPECIAL_TOKENS)]) == SPECIAL_TOKENS
    named = {"<unk>": UNKNOWN, "<s>": BEGIN, "</s>": END, "<pad>": PAD, "<mask>": MASK, "<sep>": SEPARATOR}
    assert named.items() <= SPECIAL_IDS.items()
    assert len(pieces) == vocabulary.size == 600
    assert len(set(pieces)) == 600


def test_special_tokens_stand_for_no_text(vocabulary: Vocabulary) -> None:
    ids = vocabulary.encode("two words")
    assert vocabulary.decode([BEGIN, *ids, SEPARATOR, *ids, END, PAD]) == "two wordstwo words"


def test_unknown_characters_are_spelled_in_bytes(vocabulary: Vocabulary) -> None:
    ids = vocabulary.encode("\U0001f600")
    assert [vocabulary.pieces()[number] for number in ids] == ["<0xF0>", "<0x9F>", "<0x98>", "<0x80>"]


def test_an_artefact_without_a_model_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match=r"lists no file 0000/tokenizer\.model"):
        Vocabulary.of(open_artefact(folder / "documents" / "reference" / "0000.json"))
