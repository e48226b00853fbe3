"""The table of devices that plans are made with (devices.yaml), and rates of power and carbon."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from scripts.lib.code import data_file
from scripts.lib.errors import UserError

USABLE = (
    0.92  # share of a device's memory for tensors: a context, workspaces of kernels and fragmentation take the rest
)


@dataclass(frozen=True)
class Device:
    """One device: bytes of memory, peak FLOP/s and efficiency by precision, bytes/s of its links, power in watts.

    `inside` and `between` are bytes per second in one direction within and between machines of `machine` devices.
    """

    name: str
    kind: str
    memory: int
    peak: Mapping[str, float]
    efficiency: Mapping[str, float]
    inside: float
    between: float
    machine: int
    watts: float
    source: str

    @property
    def usable(self) -> int:
        """Bytes that tensors may take."""
        return int(USABLE * self.memory)


@dataclass(frozen=True)
class Rates:
    """Power usage effectiveness, kg of CO2 equivalent per kWh, price of a device and hour (None: not stated)."""

    power_usage_effectiveness: float
    carbon: float
    price: float | None = None


def table() -> dict[str, Any]:
    """Return the table as it stands in the file."""
    loaded: dict[str, Any] = yaml.safe_load(data_file("scripts/pretraining/devices.yaml").read_text("utf-8"))
    return loaded


def device(name: str) -> Device:
    """Return a device of the table. Raises UserError for one that is not in it."""
    known = table()["devices"]
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known devices are {', '.join(sorted(known))}."
        raise UserError(f"--device: {name!r} is not in scripts/pretraining/devices.yaml; {hint}")
    return Device(name=name, **known[name])


def rates(price: float | None = None, effectiveness: float | None = None, carbon: float | None = None) -> Rates:
    """Return the stated rates, those of the table where none is stated. Raises UserError for a negative one."""
    stated = {"power_usage_effectiveness": effectiveness, "carbon": carbon}
    given = {**table()["rates"], **{key: value for key, value in stated.items() if value is not None}}
    for option, value in (("--price", price), ("--pue", effectiveness), ("--carbon", carbon)):
        if value is not None and value < 0:
            raise UserError(f"{option}: {value:g} must not be negative.")
    return Rates(**given, price=price)
