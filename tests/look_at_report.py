"""Open a report in headless Chromium at a desktop's and a phone's width, and fail on what a reader would stumble over.

    python -m tests.look_at_report results/report.html --pictures /tmp/pictures

Checked in the page: no empty figure or table, units and n in every caption. Checked at each width: nothing on the console, no
request to elsewhere, nothing wider than the page.
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

import lxml.html

CAPTION = re.compile(r"\(([^;()]+); n = [\d,]*\d \w.*\)")  # (units; n = how many of what)
MARKS = ".//polyline[normalize-space(@points)] | .//circle | .//path | .//ellipse | .//rect"
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
  const asked = performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:"));
  document.title = JSON.stringify({
    wide: document.documentElement.scrollWidth, room: innerWidth, asked: asked});
});
</script></body>"""


def faults(page: str) -> list[str]:
    """Return what is wrong with the figures and tables of a page, a sentence each."""
    tree = lxml.html.fromstring(page)
    figures = list(tree.iter("figure"))
    wrong = [] if figures else ["there is no figure"]
    for table in tree.iter("table"):
        if not any(cell.text_content().strip() for cell in table.iter("td")):
            wrong.append(f"the table {table.text_content().split()} has no cell with text below its header")
    for figure in figures:
        caption = " ".join(" ".join(part.text_content() for part in figure.iter("figcaption")).split())
        if not CAPTION.search(caption):
            wrong.append(f"the caption {caption!r} lacks (units; n = ...)")
        if not shows(figure):
            wrong.append(f"the figure {caption!r} is empty")
    return wrong


def shows(figure: lxml.html.HtmlElement) -> bool:
    """Tell whether a figure shows anything; a caption, a legend, axes and the names of rows alone are nothing."""
    if figure.xpath(".//svg"):
        return all(drawing.xpath(MARKS) for drawing in figure.xpath(".//svg"))
    if figure.find_class("bar"):
        return any(part.get("style") for track in figure.find_class("track") for part in track)
    if figure.xpath(".//td"):
        return True  # tables are looked at one by one
    return any(text.strip() for text in figure.xpath(".//text()[not(ancestor::figcaption or ancestor::th)]"))


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
    """Return what is wrong in the browser, a sentence each."""
    wrong = [f"the console says: {line}" for line in found["console"]]
    wrong += [f"it asks for {name}" for name in found["asked"]]
    if found["wide"] > found["room"]:
        wrong.append(f"it is {found['wide']} pixels wide on a page of {found['room']}")
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
    looks = {"itself": faults(args.page.read_text("utf-8"))}
    looks |= {f"at {width} pixels": problems(look(program, args.page, width, args.pictures)) for width in WIDTHS}
    for where, wrong in looks.items():
        print(f"{args.page} {where}: {'; '.join(wrong) or 'nothing wrong'}")
    return 1 if any(looks.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
