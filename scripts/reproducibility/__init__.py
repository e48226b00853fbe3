"""What keeps results trustworthy between runs: preflight, acceptance of refactors, environments."""
