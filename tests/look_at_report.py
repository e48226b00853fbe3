"""Open a report in headless Chromium at a desktop's and a phone's width, and fail on what a reader would stumble over.

    python -m tests.look_at_report results/report.html --pictures /tmp/pictures

Checked at each width: nothing on the console, no request to elsewhere, nothing wider than the page, no empty figure or table.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

WIDTHS = (1280, 390)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
]
PROBE = """<script>
addEventListener("load", () => {
  const empty = [...document.querySelectorAll("figure, table, svg")].filter(
    e => !e.textContent.trim() && !e.querySelector("svg, polyline, rect, b"));
  const short = [...document.querySelectorAll("table")].filter(t => t.rows.length < 1);
  const asked = performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:"));
  document.title = JSON.stringify({
    wide: document.documentElement.scrollWidth, room: innerWidth, empty: empty.length + short.length,
    figures: document.querySelectorAll("figure").length, asked: asked});
});
</script></body>"""


def browser() -> str | None:
    """Return the program of a Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def chromium(program: str, profile: Path, width: int, url: str, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [program, *FLAGS, f"--user-data-dir={profile}", f"--window-size={width},900", *flags, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def look(program: str, page: Path, width: int, pictures: Path | None) -> dict[str, Any]:
    """Return what the page looks like at a width: what it measured, and what the console said."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame = (
            folder / "frame.html"
        )  # a window is at least 500 pixels wide, so the page stands in a frame of the width
        probed = folder / "probed.html"
        probed.write_text(page.read_text("utf-8").replace("</body>", PROBE), encoding="utf-8")
        frame.write_text(
            f'<body style="margin:0"><iframe id="f" src="probed.html" style="border:0;width:{width}px;height:880px"></iframe>'
            '<script>setTimeout(() => { document.title = document.getElementById("f").contentDocument.title }, 1500)</script>',
            encoding="utf-8",
        )
        flags = ("--allow-file-access-from-files", "--virtual-time-budget=4000", "--dump-dom")
        done = chromium(program, folder / "profile", max(width, 500), frame.as_uri(), *flags)
        title = re.search(r"<title>(.*?)</title>", done.stdout, re.S)
        if title is None:
            raise SystemExit(f"error: {program} showed nothing of {page}:\n{done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(title[1].replace("&quot;", '"').replace("&amp;", "&"))
        found["console"] = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            shot = pictures / f"report-{width}.png"
            tall = ("--window-size=" + f"{width},9000", f"--screenshot={shot}")
            chromium(program, folder / "profile", width, page.resolve().as_uri(), *tall)
    return found


def problems(found: dict[str, Any]) -> list[str]:
    """Return what is wrong, a sentence each."""
    wrong = [f"the console says: {line}" for line in found["console"]]
    wrong += [f"it asks for {name}" for name in found["asked"]]
    if found["wide"] > found["room"]:
        wrong.append(f"it is {found['wide']} pixels wide on a page of {found['room']}")
    if found["empty"] or not found["figures"]:
        wrong.append(f"{found['empty']} of its {found['figures']} figures or tables are empty")
    return wrong


def main() -> int:
    """Look at the page at every width; returns 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--pictures", type=Path, help="where to put screenshots")
    args = parser.parse_args()
    program = browser()
    if program is None:
        print("error: there is no Chromium on this machine; install the package chromium.", file=sys.stderr)
        return 1
    code = 0
    for width in WIDTHS:
        found = look(program, args.page, width, args.pictures)
        wrong = problems(found)
        print(f"{args.page} at {width} pixels: {found['figures']} figures, {'; '.join(wrong) or 'nothing wrong'}")
        code |= bool(wrong)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
