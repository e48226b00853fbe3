"""What it costs to plan a configuration: CPU time and memory of a dry run in an empty folder.

python -m benchmarks.planning presets/common-crawl.yaml
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Plan each configuration and print a row of the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", type=Path, nargs="+")
    args = parser.parse_args()
    print("| configuration | jobs | CPU seconds | MB |\n|---|---|---|---|")
    before = 0.0
    for config in args.configs:
        with tempfile.TemporaryDirectory() as folder:
            command = [
                sys.executable,
                "-m",
                "snakemake",
                "--dry-run",
                "--directory",
                folder,
                "--configfile",
                str(config),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        jobs = re.search(r"^total +(\d+)$", done.stdout + done.stderr, re.M)
        seconds, before = usage.ru_utime + usage.ru_stime - before, usage.ru_utime + usage.ru_stime
        print(f"| {config} | {jobs[1] if jobs else '?'} | {seconds:.1f} | {usage.ru_maxrss // 1024} |")


if __name__ == "__main__":
    main()
