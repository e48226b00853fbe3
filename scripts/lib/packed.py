"""The files that a fetch published, each with its native name; very many of them are packed into one.

A manifest names every file and must stay small, so the files of a part that has more than MOST_FILES lie in one tar file,
which says of each by what name it was published.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.lib.manifest import Artefact

MOST_FILES = 1_000
PACKED = "files.tar"
_NATIVE = "GROUNDWORK.native"


def pack(folder: Path, names: Mapping[str, str]) -> None:
    """Put the files of a folder, given with their native names, into one tar file there, in their order."""
    with tarfile.open(folder / PACKED, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, native in names.items():
            info = tarfile.TarInfo(name)
            info.size = (folder / name).stat().st_size
            info.pax_headers = {_NATIVE: native}
            with (folder / name).open("rb") as stream:
                archive.addfile(info, stream)
            archive.members = []  # type: ignore[attr-defined]  # else they are kept in memory
            (folder / name).unlink()


def published_files(raw: Artefact, room: Path) -> Iterator[tuple[Path, str]]:
    """Yield path and native name of what a fetch published, in order; what is packed is unpacked into the folder `room`."""
    natives: Mapping[str, str] = raw.summary["origins"]
    for path in raw.files:
        if path.name in natives:
            yield path, natives[path.name]
        else:
            yield from _unpacked(path, room)


def _unpacked(path: Path, room: Path) -> Iterator[tuple[Path, str]]:
    with tarfile.open(path, "r:") as archive:
        while (info := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]
            stream, target = archive.extractfile(info), room / Path(info.name).name
            assert stream is not None, "only files are packed"
            with stream, target.open("wb") as out:
                shutil.copyfileobj(stream, out)
            yield target, info.pax_headers[_NATIVE]
