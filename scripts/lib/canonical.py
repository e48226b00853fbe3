"""Canonical JSON and digests: one spelling for a value, so that equal things have equal bytes.

The form follows RFC 8785 (JSON Canonicalization Scheme) in what we use of it: keys sorted, no white space, no NaN.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def canonical_json(value: Any) -> str:
    """Return the only JSON text of `value`: sorted keys, no spaces, UTF-8 as it is.

    Raises ValueError for NaN and infinities, TypeError for what JSON cannot hold.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def readable_json(value: Any) -> str:
    """Return `value` as canonical JSON laid out for people: the same key order, indented, newline at the end."""
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def sha256_text(text: str) -> str:
    """Return the SHA-256 of the UTF-8 bytes of `text`, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of the file's bytes, in hexadecimal; memory does not grow with the file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
