"""What the environment of every job tells the C library: freed memory stays with the process, in large pages if there are some.

Giving large tensors back to the system after each step cost a quarter of the time of training. Pages of 2 MiB save 3 % of it
(`benchmarks.training`); a system that has none, or a C library before glibc 2.35, passes over the word.
"""

MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "67108864",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
