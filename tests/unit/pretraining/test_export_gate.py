"""What is exported has to be what was trained: one other weight is refused."""

from __future__ import annotations

import pytest
import torch

from scripts.lib.errors import UserError
from scripts.pretraining.architecture import build_model
from scripts.pretraining.export import require_equal_logits, require_equal_weights
from tests.unit.pretraining import tiny
from tests.unit.pretraining.rank import make_job


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "modernbert"])
def test_one_other_weight_is_refused(inputs: tiny.Inputs, family: str) -> None:
    job = make_job(inputs, family=family)
    model = build_model(job.recipe.architecture, job.vocabulary, job.recipe.seed).eval()
    tokens = torch.arange(40).view(2, 20)
    with torch.no_grad():
        probe = tokens, model(input_ids=tokens).logits
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    require_equal_weights(model, weights, job)
    require_equal_logits(model, probe, job)
    matrices = [entry for entry in model.named_parameters() if entry[1].ndim == 2 and ".1." in entry[0]]
    name, changed = matrices[-1]  # of the second layer
    with torch.no_grad():
        changed[0, 0] += 1e-3
    with pytest.raises(UserError, match=rf"other weights than the trained model \(1 tensors, the first is {name}\)"):
        require_equal_weights(model, weights, job)
    with pytest.raises(UserError, match="other logits than the trained model"):
        require_equal_logits(model, probe, job)
