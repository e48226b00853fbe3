"""What the environment of every job tells the C library: freed memory stays with the process, in large pages if there are some.

Giving large tensors back to the system after each step and asking for pages of 4 KiB takes 4 % of the time of training
(docs/benchmarks/training.md). A system without large pages, or a C library before glibc 2.35, passes over the word.
"""

from __future__ import annotations

from collections.abc import Mapping

TUNABLES = "GLIBC_TUNABLES"
MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "67108864",
    TUNABLES: "glibc.malloc.hugetlb=1",
}


def memory_beside(environment: Mapping[str, str]) -> dict[str, str]:
    """Return MEMORY, with what an environment says of the C library besides."""
    own = environment.get(TUNABLES, "").split(":")
    name = MEMORY[TUNABLES].partition("=")[0]
    others = [one for one in own if one and one.partition("=")[0] != name]
    return MEMORY | {TUNABLES: ":".join([*others, MEMORY[TUNABLES]])}
