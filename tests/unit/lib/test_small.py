"""Canonical JSON, seeds, settings and environments."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.lib.canonical import canonical_json
from scripts.lib.environments import environment_digest
from scripts.lib.errors import UserError
from scripts.lib.seeds import seed_for, unit_interval
from scripts.lib.settings import Settings, leaves


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans()))
def test_key_order_does_not_count(values: dict[str, object]) -> None:
    assert canonical_json(values) == canonical_json(dict(reversed(values.items())))


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_seeds_are_fixed_for_all_time() -> None:
    """A change of these numbers changes every result ever made."""
    assert seed_for(1, "stage", "name") == 6592036419378669482
    assert seed_for(1, "ab", "c") != seed_for(1, "a", "bc")
    assert seed_for(1, "a") != seed_for(2, "a")


@given(st.integers(0, 2**40), st.text(max_size=20))
def test_unit_interval_is_in_the_interval(seed: int, name: str) -> None:
    assert 0 <= unit_interval(seed, name) < 1


def test_unit_interval_is_even() -> None:
    values = [unit_interval(1, str(number)) for number in range(20_000)]
    for tenth in range(10):
        share = sum(tenth / 10 <= value < (tenth + 1) / 10 for value in values) / len(values)
        assert abs(share - 0.1) < 0.01


def test_settings_know_what_was_read() -> None:
    settings = Settings.parse('{"a": {"b": 1, "c": [2]}, "d": {}}')
    assert settings["a"]["b"] == 1
    assert settings.unread() == ["a.c", "d"]
    assert settings["a"].plain() == {"b": 1, "c": [2]}
    assert settings["d"] == {}
    assert settings.unread() == []


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(UserError, match=r"lacks a\.x"):
        Settings.parse('{"a": {"b": 1}}')["a"]["x"]


def test_leaves_are_scalars_lists_and_empty_mappings() -> None:
    assert leaves({"a": {"b": 1, "c": {}}, "d": [1]}) == ["a.b", "a.c", "d"]


ENVIRONMENT = "dependencies:\n  - python=3.11\n  - pip:\n      - Torch==2.0\n      - a_b==1.0\n"


def test_the_environment_digest_is_of_the_pins(tmp_path: Path) -> None:
    first, second, third = tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "c.yaml"
    first.write_text(ENVIRONMENT, encoding="utf-8")
    second.write_text("# remark\ndependencies: [python = 3.11, {pip: ['a-b == 1.0', torch==2.0]}]\n", encoding="utf-8")
    third.write_text(ENVIRONMENT.replace("2.0", "2.1"), encoding="utf-8")
    assert environment_digest(first) == environment_digest(second) != environment_digest(third)


@pytest.mark.parametrize("text", ["dependencies: [\n", "", "name: x\n", "dependencies: [{conda: [a]}]\n", None])
def test_what_is_no_environment_is_one_sentence(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"a\.yaml is not a conda environment \(.*\); mend it") as caught:
        environment_digest(path)
    assert "\n" not in str(caught.value)


def test_a_loose_pin_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(ENVIRONMENT.replace("==1.0", ">=1.0"), encoding="utf-8")
    with pytest.raises(UserError, match="pin it as name==version"):
        environment_digest(path)
