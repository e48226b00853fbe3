"""Write docs/config.md from the schema, or check that it is fresh.

python -m scripts.reproducibility.reference --check
python -m scripts.reproducibility.reference --write
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from scripts.lib.code import ROOT, data_file

PAGE = ROOT / "docs" / "config.md"
HEAD = """# Configuration reference

Generated from `config.schema.yaml` by `make format`. A `--configfile` replaces `config.yaml` whole; unknown keys are refused.
`NAME` stands for a name of your choice: lower-case letters, digits, `_` and `-`.

| key | type | default | meaning |
|---|---|---|---|
"""


def rows(schema: Mapping[str, Any], part: Mapping[str, Any], key: str) -> Iterator[str]:
    """Yield a table row for every key below a part of the schema."""
    part = _resolved(schema, part)
    for branch in part.get("anyOf", []):
        yield from rows(schema, branch, key)
    required = part.get("required", [])
    for name, below in part.get("properties", {}).items():
        full = _resolved(schema, below)
        yield _row(f"{key}{name}", full, name in required)
        yield from rows(schema, full, f"{key}{name}.")
    others = part.get("additionalProperties")
    if isinstance(others, dict) and "$ref" in others:
        yield from rows(schema, others, f"{key}NAME.")
    if isinstance(part.get("items"), dict):
        yield from rows(schema, part["items"], f"{key.removesuffix('.')}[].")


def _resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in part:
        return part
    target: Mapping[str, Any] = schema["$defs"][part["$ref"].rpartition("/")[2]]
    return {**target, **{name: value for name, value in part.items() if name != "$ref"}}


def _row(key: str, part: Mapping[str, Any], required: bool) -> str:
    default = "required" if required else f"`{json.dumps(part['default'])}`" if "default" in part else ""
    return f"| `{key}` | {_kind(part)} | {default} | {part.get('description', '')} |\n".replace("\\|", "/")


def _kind(part: Mapping[str, Any]) -> str:
    if "enum" in part:
        return " or ".join("null" if value is None else f"`{value}`" for value in part["enum"])
    if "anyOf" in part:
        return " or ".join(_kind(branch) if "type" in branch else "object" for branch in part["anyOf"])
    kinds = part.get("type", "object")
    name = " or ".join(kinds) if isinstance(kinds, list) else kinds
    limits = [
        f"{sign} {part[key]}"
        for key, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
        if key in part
    ]
    return f"{name} {', '.join(limits)}".strip()


def page() -> str:
    """Return the text of docs/config.md."""
    schema = yaml.safe_load(data_file("config.schema.yaml").read_text("utf-8"))
    return HEAD + "".join(rows(schema, schema, ""))


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="exit with 1 when the page is stale")
    action.add_argument("--write", action="store_true", help="write the page")
    args = parser.parse_args(argv)
    if args.write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text("utf-8") != page():
        print("error: docs/config.md is stale; run `make format`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
