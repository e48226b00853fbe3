"""Print the peak of a device in FLOP/s at the precision of a model: what training reckons MFU by. 0 without a device.

    python -m scripts.pretraining.peak --device h100 --settings "$(cat settings.json)"

A program of its own, so that an edit of the table of devices trains no model anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from scripts.lib.errors import UserError
from scripts.lib.settings import Settings
from scripts.pretraining.devices import device
from scripts.pretraining.forecast import NONE
from scripts.pretraining.recipe import Recipe


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--device", default=NONE, help="a name of scripts/pretraining/devices.yaml, or none")
    parser.add_argument(
        "--settings", required=True, metavar="JSON", help="the settings of the model, as the rule gives them"
    )
    args = parser.parse_args(argv)
    try:
        precision = Recipe.from_settings(Settings.parse(args.settings)).training.precision
        print(0 if args.device == NONE else f"{device(args.device).peak[precision]:.6g}")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
