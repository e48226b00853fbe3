"""Settings that record what was read.

A rule gives a program exactly the leaves of the config that it uses. Were one given and not read, an edit of it would
rerun work that it cannot change; so a step refuses to publish while a leaf is unread.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.lib.errors import UserError


class Settings(Mapping[str, Any]):
    """A read-only mapping over the settings of a step that remembers which leaves were read.

    Nested mappings come back as `Settings`. Lists and scalars are leaves; an empty mapping is a leaf too. Iterating a
    mapping reads its keys, not its values: a program that loops over names has to look at what they name.
    """

    def __init__(self, values: Mapping[str, Any], prefix: str = "", read: set[str] | None = None) -> None:
        self._values = values
        self._prefix = prefix
        self._read: set[str] = set() if read is None else read

    @classmethod
    def parse(cls, text: str) -> Settings:
        """Return the settings in a JSON object; raises UserError for anything else."""
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise UserError(f"--settings is not JSON ({error}); give one JSON object.") from None
        if not isinstance(values, dict):
            raise UserError("--settings is not a JSON object; give one, for example '{\"seed\": 1}'.")
        return cls(values)

    def __getitem__(self, key: str) -> Any:
        try:
            value = self._values[key]
        except KeyError:
            raise UserError(f"--settings lacks {self._prefix}{key}; add it to the settings of the rule.") from None
        if isinstance(value, dict) and value:
            return Settings(value, f"{self._prefix}{key}.", self._read)
        self._read.add(self._prefix + key)
        return value

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def plain(self) -> dict[str, Any]:
        """Return everything below this point as plain dictionaries, counted as read.

        For settings that go whole into a library or into a record that names each of them.
        """
        self._read.update(leaves(self._values, self._prefix))
        return json.loads(json.dumps(self._values))  # type: ignore[no-any-return]

    def original(self) -> Mapping[str, Any]:
        """Return the values as given, without counting them as read (for provenance)."""
        return self._values

    def unread(self) -> list[str]:
        """Return the dotted names of the leaves that nothing has read, sorted."""
        return sorted(set(leaves(self._values)) - self._read)


def leaves(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted names of all leaves: scalars, lists and empty mappings."""
    names: list[str] = []
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            names += leaves(value, f"{prefix}{key}.")
        else:
            names.append(f"{prefix}{key}")
    return names
