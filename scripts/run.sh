#!/usr/bin/env bash
# Run the workflow; after a killed Snakemake, remove its lock first, but only when nothing of it is alive.
#
# The lock file is held open by Snakemake and inherited by its jobs, so it is free only when all of them have ended.
set -euo pipefail
mkdir -p .snakemake
exec 9> .snakemake/groundwork.lock
if ! flock --nonblock 9; then
    echo "error: another run, or a job that outlived one, is still at work here; wait for it or stop it, then run again." >&2
    exit 1
fi
if compgen -G ".snakemake/locks/*" > /dev/null; then
    snakemake --unlock --quiet all
fi
exec snakemake "$@"
