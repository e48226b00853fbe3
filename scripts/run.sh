#!/usr/bin/env bash
# Run the workflow; after a killed Snakemake, remove its lock first, but only when it is dead.
#
# This lock dies with Snakemake, whatever ends it. A job that outlives it holds the lock of its own output (scripts/lib/publish.py).
set -euo pipefail
mkdir -p .snakemake
exec 9> .snakemake/groundwork.lock
if ! flock --nonblock 9; then
    echo "error: another run is at work in this folder; wait for it or stop it, then run again." >&2
    exit 1
fi
if compgen -G ".snakemake/locks/*" > /dev/null; then
    snakemake --unlock --quiet all
fi
exec snakemake "$@"
