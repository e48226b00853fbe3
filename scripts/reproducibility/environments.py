"""Write the conda environments from the one lock, or check that they agree with it.

    python -m scripts.reproducibility.environments --check
    python -m scripts.reproducibility.environments --lock      # pin what is installed now, then write

`pyproject.toml` names what each stack needs; `envs/requirements.lock` pins everything; `envs/<stack>.yaml` has python and
compilers from conda and, in its `pip:` section, the pins of the stack with all that they need.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution, distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.lib.code import ROOT
from scripts.lib.errors import UserError

LOCK = ROOT / "envs" / "requirements.lock"
STACKS = {"data": "cleaning, tokenizers and shards", "training": "pretraining and evaluation", "report": "the report"}
COMPILERS = {"training": ["gxx_linux-64=13.3.0", "make=4.4.1", "ninja=1.12.1"]}
INSTALLERS = {"pip", "wheel"}
HEADER = "# Pins of everything that is installed; written by `make lock`, read by `make setup`.\n"


def groups() -> dict[str, list[str]]:
    """Return the requirements of each stack as pyproject.toml names them."""
    found: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    return found


def read_lock() -> dict[str, str]:
    """Return the pinned version of every package, by normalised name."""
    pins: dict[str, str] = {}
    for line in LOCK.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            pins[canonicalize_name(name)] = version
    return pins


def needed(requirements: Sequence[str]) -> list[str]:
    """Return the normalised names of all packages that the requirements need, by the installed packages' metadata.

    Requirements that name no installed package are left to the check of the lock: on a CPU build some are not needed.
    """
    found: set[str] = set()
    queue = [Requirement(text) for text in requirements]
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        if name in found:
            continue
        try:
            below = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        found.add(name)
        for text in below:
            child = Requirement(text)
            if child.marker is None or any(child.marker.evaluate({"extra": extra}) for extra in extras):
                child.marker = None
                queue.append(child)
    return sorted(found)


def environment_text(stack: str, pins: dict[str, str]) -> str:
    """Return the conda environment of a stack."""
    lines = [
        f"# The environment of {STACKS[stack]}; written by `make lock`.",
        "channels: [conda-forge, nodefaults]",
        "dependencies:",
        "  - python=3.11.9",
        "  - pip=24.0",
        *[f"  - {compiler}" for compiler in COMPILERS.get(stack, [])],
        "  - pip:",
    ]
    missing = [name for name in needed(groups()[stack]) if name not in pins]
    if missing:
        raise UserError(f"{LOCK.name} has no pin for {', '.join(missing)}; run `make lock`.")
    return "\n".join([*lines, *[f"      - {name}=={pins[name]}" for name in needed(groups()[stack])]]) + "\n"


def lock_text() -> str:
    """Return the pins of everything that is installed, without local version labels (2.13.0+cpu is 2.13.0)."""
    pins = {
        canonicalize_name(found.metadata["Name"]): re.sub(r"\+.*", "", found.version)
        for found in distributions()
        if found.metadata["Name"]
    }
    return HEADER + "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()) if name not in INSTALLERS)


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="exit with 1 when an environment differs from the lock")
    action.add_argument("--lock", action="store_true", help="pin what is installed now and write the environments")
    args = parser.parse_args(argv)
    if args.lock:
        LOCK.write_text(lock_text(), encoding="utf-8")
    stale = []
    for stack in STACKS:
        path = ROOT / "envs" / f"{stack}.yaml"
        text = environment_text(stack, read_lock())
        if args.lock:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text("utf-8") != text:
            stale.append(path.name)
    if stale:
        print(f"error: {', '.join(stale)} differ from the lock; run `make lock`.", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
