"""Documents that share an id with another text: versions, told apart until the duplicates of a corpus are found.

Ids are those of the source, which may give one twice. A part is extracted without a look at the others, so none can say
which of two stays. Within a part the later one has a mark behind its id, by which it is another row in every table; of all
documents with one id, marked or not, in one part or several, deduplication leaves the one that stands first in its order
(`scripts.cleaning.survivors`), and the curated document has the id without the mark.
"""

from __future__ import annotations

import hashlib
import re

import pyarrow as pa
import pyarrow.compute as pc

_MARK = "#version-"
_VERSION = re.compile(rf"{_MARK}[0-9a-f]{{16}}\Z")


def version_id(identifier: str, text: str) -> str:
    """Return an id with the mark of a text."""
    return f"{identifier}{_MARK}{hashlib.blake2b(text.encode('utf-8'), digest_size=8).hexdigest()}"


def source_id(identifier: str) -> str:
    """Return an id as its source has it, without a mark."""
    return _VERSION.sub("", identifier) if _MARK in identifier else identifier


def source_ids(identifiers: pa.Array) -> pa.Array:
    """Return ids without marks, in an array of the type given."""
    if not pc.any(pc.match_substring(identifiers, _MARK)).as_py():
        return identifiers
    return pc.replace_substring_regex(identifiers, rf"{_MARK}[0-9a-f]{{16}}$", "")
