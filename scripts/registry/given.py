"""Check the configuration files of a command line before Snakemake parses them, which names neither file nor line of a fault.

python -m scripts.registry.given --configfile presets/gpt2-124m.yaml --cores 4
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.lib.errors import UserError
from scripts.registry.config import check_files


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code. Every other argument is Snakemake's."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", default=[])
    args, _ = parser.parse_known_args(argv)
    try:
        for word in args.configfile[1:]:
            if not Path(word).exists():
                raise UserError(
                    f"{word} follows --configfile, which takes all words up to the next option for files, and is none; put "
                    "targets before --configfile."
                )
        check_files(args.configfile)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
