from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from scripts.registry.job_environment import MEMORY, TUNABLES, memory_beside


def test_the_c_library_understands_what_it_is_told() -> None:
    """In the words of its own loader; a name that it does not know it would pass over."""
    found = re.search(r"/\S*ld-linux\S*", Path("/proc/self/maps").read_text())
    assert found
    command = [found[0], "--list-tunables"]
    told = subprocess.run(command, env={**os.environ, **MEMORY}, capture_output=True, text=True, check=True).stdout
    values = {name: int(value, 0) for name, value in re.findall(r"^glibc\.malloc\.(\w+): (\w+) ", told, re.M)}
    names = ("mmap_max", "trim_threshold", "top_pad", "hugetlb")
    assert [values[name] for name in names] == [0, 100_000_000_000, 64 << 20, 1]


def test_what_a_site_tells_the_c_library_stays() -> None:
    assert memory_beside({}) == MEMORY
    own = {TUNABLES: "glibc.rtld.nns=8:glibc.malloc.hugetlb=0:", "MALLOC_TOP_PAD_": "1"}
    assert memory_beside(own) == MEMORY | {TUNABLES: "glibc.rtld.nns=8:glibc.malloc.hugetlb=1"}
    assert memory_beside(memory_beside(own)) == memory_beside(own)
