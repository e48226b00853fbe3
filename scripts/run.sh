#!/usr/bin/env bash
# Run the workflow; after a killed Snakemake, remove its lock first, but only when it is dead.
#
# This lock dies with Snakemake, whatever ends it. A job that outlives it holds the lock of its own output (scripts/lib/publish.py).
# Configuration files of the command line are checked first, since Snakemake parses them before it reads the workflow.
# When a run fails, the sentences that matter are said once more at its end: Snakemake prints all inputs of a failed job below them.
# Snakemake is started as a module: the script of its name holds the path at which .venv was made, and a checkout may be moved.
set -uo pipefail
mkdir -p .snakemake
exec 9> .snakemake/groundwork.lock
if ! flock --nonblock 9; then
    echo "error: another run is at work in this folder; wait for it or stop it, then run again." >&2
    exit 1
fi
if [[ " $* " == *" --configfile"* ]]; then
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    PYTHONPATH=$root python -m scripts.registry.given "$@" || exit $?
fi
if compgen -G ".snakemake/locks/*" > /dev/null; then
    python -m snakemake --unlock --quiet all || exit $?
fi
started=.snakemake/groundwork.started
touch "$started"
python -m snakemake "$@"
code=$?
if [ "$code" -ne 0 ] && [ -d results/logs ]; then
    find results/logs -name '*.log' -newer "$started" -print0 | sort -z | while IFS= read -r -d '' log; do
        sentence=$(grep -h '^error: ' "$log" | tail -n 1)
        if [ -n "$sentence" ]; then
            printf '\n%s: %s\n' "$log" "$sentence" >&2
        fi
    done
    printf '\nWhat was finished is kept; run again to go on.\n' >&2
fi
exit "$code"
