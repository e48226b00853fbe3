"""Digests of software environments: the pins that a step was made with, whatever their order or the comments around them."""

from __future__ import annotations

import contextlib
import importlib.metadata
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import yaml

from scripts.lib.canonical import canonical_json, sha256_text
from scripts.lib.errors import UserError


def environment_pins(path: Path) -> list[str]:
    """Return the normalised pins of a conda environment file: conda's own, then pip's, sorted.

    Raises UserError for a file that is none, and for a pip requirement without an exact version.
    """
    try:
        dependencies = yaml.safe_load(path.read_text("utf-8"))["dependencies"]
        conda = ["conda:" + "".join(entry.split()) for entry in dependencies if isinstance(entry, str)]
        lines = [line for entry in dependencies if isinstance(entry, dict) for line in entry["pip"]]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())
        raise UserError(f"{path} is not a conda environment ({said}); mend it, or write it by `make lock`.") from None
    pip = [_pin(line, path) for line in lines]
    return [*sorted(conda), *sorted(pip)]


def environment_digest(path: Path) -> str:
    """Return the digest of an environment file's pins."""
    return sha256_text(canonical_json(environment_pins(path)))


def versions_of(paths: Sequence[Path], names: Sequence[str]) -> list[str]:
    """Return the pip pins of some packages (name==version) over several environment files, sorted, each once."""
    pins = {pin.removeprefix("pip:") for path in paths for pin in environment_pins(path)}
    return sorted(pin for pin in pins if pin.partition("==")[0] in names)


def unlike(path: Path) -> list[str]:
    """Return a sentence for each package that is installed here in another version than an environment file pins."""
    found = []
    for pin in environment_pins(path):
        name, _, version = pin.removeprefix("pip:").partition("==")
        with contextlib.suppress(PackageNotFoundError):
            here = importlib.metadata.version(name).partition("+")[0]  # 2.13.0+cpu is 2.13.0
            if pin.startswith("pip:") and here != version:
                found.append(f"{name} {here} is installed, but envs/{path.name} pins {version}")
    return found


def _pin(line: str, path: Path) -> str:
    match = re.fullmatch(r"\s*([A-Za-z0-9._-]+)\s*==\s*([A-Za-z0-9.!+_-]+)\s*", line)
    if match is None:
        raise UserError(f"{path} has the pip entry {line!r}; pin it as name==version.")
    return f"pip:{re.sub(r'[-_.]+', '-', match[1]).lower()}=={match[2]}"
