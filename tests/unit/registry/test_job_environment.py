from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.registry.job_environment import MEMORY, TUNABLES, memory_beside

PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
TOLD = """
held = bytes(100_000_000)
inside = False
for line in open("/proc/self/smaps"):
    if line[0] in "0123456789abcdef" and " " in line and ":" in line.split(" ")[3]:
        inside = "[heap]" in line
    elif inside and line.startswith(("Size:", "VmFlags:")):
        print(line.strip())
"""


@pytest.mark.skipif(not PAGES.exists() or "[never]" in PAGES.read_text(), reason="this system has no large pages")
def test_the_c_library_does_as_it_is_told() -> None:
    """A large text stands in the heap, not in a mapping of its own, and the heap asks for large pages."""
    done = subprocess.run([sys.executable, "-c", TOLD], env={**os.environ, **MEMORY}, capture_output=True, text=True)
    size, flags = done.stdout.splitlines()
    assert int(size.split()[1]) > 100_000
    assert "hg" in flags.split()


def test_what_a_site_tells_the_c_library_stays() -> None:
    assert memory_beside({}) == MEMORY
    own = {TUNABLES: "glibc.rtld.nns=8:glibc.malloc.hugetlb=0:", "MALLOC_TOP_PAD_": "1"}
    assert memory_beside(own) == MEMORY | {TUNABLES: "glibc.rtld.nns=8:glibc.malloc.hugetlb=1"}
    assert memory_beside(memory_beside(own)) == memory_beside(own)
