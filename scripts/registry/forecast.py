"""What the models of a configuration will need on stated devices, before any text is fetched.

    python -m scripts.registry.forecast presets/llama-7b.yaml --device h100 --devices 8 --zero-stage 3 --price 2.5

Prints a forecast per model (`--model` chooses one); exits with 1 when one does not fit and says what would. The
vocabulary is the one that the configuration asks for. See docs/planning.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.lib.errors import UserError
from scripts.pretraining.forecast import NONE, add_layout_arguments, look_ahead, show
from scripts.pretraining.recipe import Recipe
from scripts.registry.config import Config, complete_config, read_config


def recipe_of(config: Config, model: str) -> tuple[Recipe, int]:
    """Return the recipe of a model of a complete configuration, and its tokenizer's number of pieces."""
    entry = config["models"][model]
    recipe = Recipe.from_settings({"model": model, "seed": config["seed"], **entry})
    return recipe, int(config["tokenizers"][entry["tokenizer"]]["vocabulary"])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("config", type=Path, help="the configuration (YAML)")
    parser.add_argument("--model", help="only this model")
    add_layout_arguments(parser)
    args = parser.parse_args(argv)
    try:
        if args.device == NONE:
            raise UserError("--device: say on which device, by a name of scripts/pretraining/devices.yaml.")
        config = complete_config(read_config(args.config), Path.cwd())
        if args.model is not None and args.model not in config["models"]:
            raise UserError(f"--model: {args.model!r} is none of {', '.join(config['models'])}.")
        for name in [args.model] if args.model else config["models"]:
            show(look_ahead(*recipe_of(config, name), args), args.json)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
