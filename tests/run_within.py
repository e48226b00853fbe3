"""Run a command and fail if it takes more memory than the README promises; run by `.ci/run`.

    python -m tests.run_within --gibibytes 4 -- make run

Memory is that of the command and of all that it starts, together: their proportional set sizes (memory that several share is
counted once), looked at every two seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import time

import psutil

SECONDS = 2.0
GIBIBYTE = 1 << 30


def memory(process: psutil.Process) -> int:
    """Return the bytes that a process and all below it hold."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += int(one.memory_full_info().pss)
    return total


def main() -> int:
    """Run the command; returns its exit code, or 1 where it took too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gibibytes", type=float, required=True, help="GiB that the command may take")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    running = subprocess.Popen(args.command)
    process, peak = psutil.Process(running.pid), 0
    while running.poll() is None:
        peak = max(peak, memory(process))
        time.sleep(SECONDS)
    print(f"{' '.join(args.command)} took at most {peak / GIBIBYTE:.2f} GiB of memory", flush=True)
    if peak > args.gibibytes * GIBIBYTE:
        print(f"error: that is more than {args.gibibytes:g} GiB", file=sys.stderr)
        return 1
    return running.returncode


if __name__ == "__main__":
    sys.exit(main())
