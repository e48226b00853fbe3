"""An answer's probability is what a plain reading of the model gives, for both objectives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from scripts.lib.errors import UserError
from scripts.lib.likelihood import LanguageModel, Row, batches, encode_answer, rows_for
from scripts.lib.masking import IGNORED
from scripts.lib.special_tokens import END, MASK
from tests.unit.finetuning.tiny import make_model

IDS = st.lists(st.integers(13, 60), min_size=0, max_size=40)


@given(prompt=IDS, answer=IDS.filter(lambda ids: 0 < len(ids) <= 12))
def test_a_causal_row_asks_for_the_answer_and_nothing_else(prompt: list[int], answer: list[int]) -> None:
    (row,) = rows_for("causal", prompt, answer, 16)
    assert len(row.inputs) == len(row.labels) <= 16
    assert [label for label in row.labels if label != IGNORED] == answer
    whole = [*row.inputs, answer[-1]]
    assert whole == [END, *prompt, *answer][-len(whole) :]


@given(prompt=IDS, answer=IDS.filter(lambda ids: 0 < len(ids) <= 12))
def test_masked_rows_hide_what_they_ask_for(prompt: list[int], answer: list[int]) -> None:
    (row,) = rows_for("masked", prompt, answer, 16)
    assert [token for token, label in zip(row.inputs, row.labels, strict=True) if label != IGNORED] == [MASK] * len(
        answer
    )
    assert [label for label in row.labels if label != IGNORED] == answer
    singles = rows_for("masked", prompt, answer, 16, together=False)
    assert [sum(label != IGNORED for label in one.labels) for one in singles] == [1] * len(answer)
    assert all(len(one.inputs) <= 16 and one.inputs[-1] == END for one in [row, *singles])


@pytest.mark.parametrize("objective", ["causal", "masked"])
def test_an_answer_that_does_not_fit_is_refused(objective: str) -> None:
    with pytest.raises(UserError, match="does not fit into a context of 8"):
        rows_for(objective, [20], list(range(20, 40)), 8)


def test_every_row_stands_in_one_batch_within_the_limit() -> None:
    rows = [Row((1,) * size, (1,) * size) for size in (3, 9, 1, 9, 5, 30)]
    found = list(batches(rows, 20))
    assert sorted(number for batch in found for number in batch) == list(range(6))
    assert all(len(batch) == 1 or len(batch) * max(len(rows[n].inputs) for n in batch) <= 20 for batch in found)


@pytest.fixture(scope="module", params=["llama", "gpt2", "bert"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder = tmp_path_factory.mktemp(request.param)
    make_model(folder, request.param)
    return LanguageModel.load(folder / "model" / "export", "masked" if request.param == "bert" else "causal")


def test_probabilities_are_those_of_the_model(model: LanguageModel) -> None:
    pairs = [("w01 w02 w03", " w04 w05"), ("w07", " w08"), ("", "w09 w10 w11"), ("w07", " w12"), ("w07", " w08")]
    found = model.log_likelihoods(pairs)
    for (prompt, answer), value in zip(pairs, found, strict=True):
        ids, wanted = encode_answer(model.tokenizer, prompt, answer)
        whole = torch.tensor([[END, *ids, *wanted]])
        spots = range(1 + len(ids), 1 + len(ids) + len(wanted))
        with torch.no_grad():
            if model.objective == "causal":
                log_p = model.network(input_ids=whole).logits.log_softmax(-1)
                expected = sum(float(log_p[0, spot - 1, whole[0, spot]]) for spot in spots)
            else:
                hidden = torch.cat([whole, torch.tensor([[END]])], dim=1)
                hidden[0, list(spots)] = MASK
                log_p = model.network(input_ids=hidden).logits.log_softmax(-1)
                expected = sum(float(log_p[0, spot, whole[0, spot]]) for spot in spots)
        assert value == pytest.approx(expected, abs=1e-4)


def test_padding_changes_no_answer(model: LanguageModel) -> None:
    short, long = ("w01", " w02"), ("w01 w02 w03 w04 w05 w06 w07", " w08 w09")
    together = model.log_likelihoods([short, long])
    alone = [model.log_likelihoods([pair])[0] for pair in (short, long)]
    assert np.allclose(together, alone, atol=1e-5)


def test_written_answers_do_not_depend_on_their_neighbours(model: LanguageModel) -> None:
    prompts = ["w01 w02", "w03", "w04 w05 w06 w07"]
    if model.objective == "masked":
        with pytest.raises(UserError, match="masked model writes no text"):
            model.answers(prompts, 4)
        return
    assert model.answers(prompts, 4) == [model.answers([prompt], 4)[0] for prompt in prompts]


def test_a_prompt_is_read_also_where_more_may_be_written_than_the_context_holds(model: LanguageModel) -> None:
    if model.objective == "causal":
        prompts = ["w01 w02 w03", "w09 w02 w03"]
        few, many = (model.answers(prompts, tokens) for tokens in (4, 2 * model.context))
        assert all(more.startswith(less) for less, more in zip(few, many, strict=True))


def test_a_piece_over_the_seam_belongs_to_the_answer(tmp_path: Path) -> None:
    make_model(tmp_path, "gpt2")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model" / "export")
    prompt, answer = encode_answer(tokenizer, "w01 w0", "2 w03")
    assert tokenizer.convert_ids_to_tokens(prompt) == ["▁w01"]
    assert tokenizer.convert_ids_to_tokens(answer) == ["▁w02", "▁w03"]
