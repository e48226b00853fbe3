"""What was received of a download so far, and what proves that the rest belongs to it."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path


@dataclass(slots=True)
class Partial:
    """What was received of a file so far, and what the server said that identifies it."""

    path: Path
    stated: dict[str, str] = field(default_factory=dict)  # ETag, Last-Modified, Date
    total: int | None = None

    @property
    def record(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    @classmethod
    def load(cls, path: Path) -> Partial:
        partial = cls(path)
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            saved = json.loads(partial.record.read_text("utf-8"))
            partial.stated, partial.total = dict(saved["stated"]), saved["total"]
        return partial

    def validator(self) -> str | None:
        """Return what proves that a file is still the same: a strong entity tag or, without any, a strong date.

        A date is strong when the file was a second old by the server's own clock (RFC 9110, 8.8.2.2).
        """
        tag, modified = self.stated.get("ETag"), self.stated.get("Last-Modified")
        if tag:
            return None if tag.startswith("W/") else tag
        then, now = http_time(modified), http_time(self.stated.get("Date"))
        return modified if then and now and (now - then).total_seconds() >= 1 else None

    def have(self) -> int:
        """Return the number of bytes that can be built on; none without a validator."""
        return self.path.stat().st_size if self.validator() and self.path.is_file() else 0

    def begin(self, stated: dict[str, str], total: int | None) -> None:
        """Forget what there is. The record is removed first, so that it never speaks of other bytes."""
        self.record.unlink(missing_ok=True)
        self.path.write_bytes(b"")
        self.stated, self.total = stated, total
        self.record.write_text(json.dumps({"stated": stated, "total": total}), "utf-8")

    def contradicts(self, stated: dict[str, str]) -> bool:
        """Tell whether an answer states another tag or date of change than the first one did.

        A piece must have the tag again, but need not have the date (RFC 9110, 15.3.7).
        """
        modified = self.stated.get("Last-Modified")
        return stated.get("ETag") != self.stated.get("ETag") or stated.get("Last-Modified", modified) != modified


def http_time(value: str | None) -> datetime | None:
    """Return the moment that a header states; None where it states none."""
    try:
        moment = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
