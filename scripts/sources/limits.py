"""What a download may do: how much it may take, how fast, how long and from whom."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from scripts.lib.errors import UserError
from scripts.sources.addresses import shown


@dataclass(frozen=True, slots=True)
class Limits:
    """What a download may do; see `downloads` in the config. Sizes in bytes, times in seconds."""

    connections: int = 4
    max_bytes: int = 200_000_000_000
    max_seconds: float = 86_400
    bytes_per_second: int | None = None
    allow_hosts: frozenset[str] = frozenset()
    offline: bool = False

    @classmethod
    def parse(cls, text: str) -> Limits:
        """Return the limits written as JSON; what is not named has its default."""
        values: dict[str, Any] = json.loads(text or "{}")
        if "allow_hosts" in values:
            values["allow_hosts"] = frozenset(values["allow_hosts"])
        return cls(**values)


class Pace:
    """Keeps the body of one file to the greatest speed and to the time that a download may take."""

    def __init__(self, url: str, limits: Limits, deadline: float) -> None:
        self._url = url
        self._limits = limits
        self._deadline = deadline
        self._began = time.monotonic()
        self._came = 0

    def keep(self, size: int) -> None:
        """Wait after `size` more bytes until they are due. Raises UserError where that takes too long."""
        self._came += size
        check_time(self._url, self._limits, self._deadline)
        if self._limits.bytes_per_second:
            due = self._began + self._came / self._limits.bytes_per_second
            while (left := due - time.monotonic()) > 0:
                time.sleep(min(left, 1.0))
                check_time(self._url, self._limits, self._deadline)


def check_time(url: str, limits: Limits, deadline: float) -> None:
    """Raise UserError after the moment by which a file must be there."""
    if time.monotonic() > deadline:
        raise UserError(
            f"{shown(url)} takes longer than downloads.max_seconds ({limits.max_seconds:g}); run again or raise it."
        )
