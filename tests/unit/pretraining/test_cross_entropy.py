"""The cross entropy that makes its own gradient is PyTorch's, whatever the chunks."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from scripts.pretraining import cross_entropy


@pytest.mark.parametrize(
    ("rows", "vocabulary", "chunk"), [(1, 5, 1), (7, 11, 33), (300, 1000, 1 << 14), (5, 2000, 100)]
)
def test_losses_and_gradients_are_those_of_pytorch(
    rows: int, vocabulary: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_entropy, "CHUNK", chunk)
    generator = torch.Generator().manual_seed(3)
    logits = 4 * torch.randn(rows, vocabulary, generator=generator)
    logits[0, 0] = 300.0  # exp of it overflows
    targets = torch.randint(vocabulary, (rows,), generator=generator)
    weights = torch.rand(rows, generator=generator)
    found = []
    for function in (cross_entropy.cross_entropy, lambda *given: functional.cross_entropy(*given, reduction="none")):
        leaf = logits.clone().requires_grad_()
        losses = function(leaf, targets)
        (losses * weights).sum().backward()
        found.append((losses.detach(), leaf.grad))
    torch.testing.assert_close(found[0], found[1], rtol=2e-6, atol=2e-6)


def test_without_gradients_none_is_made() -> None:
    logits, targets = torch.randn(3, 5), torch.tensor([1, 2, 3])
    wanted = functional.cross_entropy(logits, targets, reduction="none")
    assert torch.equal(cross_entropy.cross_entropy(logits, targets), wanted)
    with torch.no_grad():
        assert not cross_entropy.cross_entropy(logits.requires_grad_(), targets).requires_grad


def test_a_second_backward_is_refused() -> None:
    losses = cross_entropy.cross_entropy(torch.randn(3, 5, requires_grad=True), torch.tensor([1, 2, 3]))
    losses.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        losses.sum().backward()
