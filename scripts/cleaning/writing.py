"""What a text is written in: a bounded stretch of it, its letters by script, and which Chinese characters it has.

Everything is counted in compiled loops over UTF-8.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scripts.lib.code import data_file
from scripts.lib.compiled import compiled, compiled_inner

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]

CODE_POINTS = 0x110000
DENSE = 3  # letters of an alphabet that say as much as one letter of a script of syllables or words
CAPITAL = 128  # added to the class of a letter
SPACE = 32
NEAR = 32  # bytes
PLAIN = np.array(
    [SPACE < byte < 0x7F or 0x80 <= byte < 0xC2 or 0xC2 < byte < 0xE2 for byte in range(256)]
)  # never blank


@compiled_inner
def _blank(data: Bytes, at: int) -> int:
    """Return how many bytes of white space, control or layout characters begin at `at`: 0 where none does."""
    first = data[at]
    if first <= SPACE or first == 0x7F:
        return 1
    if first == 0xC2 and at + 1 < len(data) and data[at + 1] <= 0xA0:  # C1 controls, no-break space
        return 2
    if at + 2 < len(data):
        second, third = data[at + 1], data[at + 2]
        if first == 0xE2 and second == 0x80 and (third <= 0x8B or 0xA8 <= third <= 0xAF):  # U+2000-200B, U+2028-202F
            return 3
        if first == 0xE3 and second == 0x80 and third == 0x80:  # ideographic space
            return 3
        if first == 0xEF and second == 0xBB and third == 0xBF:  # byte order mark
            return 3
    return 0


@compiled
def squeezed(data: Bytes) -> Bytes:
    """Return UTF-8 with every run of white space, control and layout characters as one space, none at its ends."""
    out = np.empty(len(data) + 1, np.uint8)
    length = 0
    at = 0
    pending = False
    while at < len(data):
        byte = data[at]
        blank = 0 if PLAIN[byte] else _blank(data, at)
        if blank > 0:
            at += blank
            pending = length > 0
            continue
        if pending:
            out[length] = SPACE
            length += 1
            pending = False
        out[length] = byte
        length += 1
        at += 1
    return out[:length]


@compiled
def sampled(data: Bytes, windows: int, width: int) -> Bytes:
    """Return `windows` stretches of about `width` bytes, evenly spread from beginning to end, or all of a short text.

    A stretch begins behind a space where one is near, else with a character, and ends likewise.
    """
    if len(data) <= windows * width:
        return data
    out = np.empty(windows * (width + NEAR + 4), np.uint8)
    length = 0
    for window in range(windows):
        start = (len(data) - width) * window // (windows - 1)
        stop = _boundary(data, start + width) if window < windows - 1 else len(data)
        start = _boundary(data, start) if window > 0 else 0
        out[length : length + stop - start] = data[start:stop]
        length += stop - start
        out[length] = SPACE
        length += 1
    return out[: length - 1]


@compiled_inner
def _boundary(data: Bytes, at: int) -> int:
    """Return the place of the nearest space before `at`, within `NEAR` bytes, else where the character at `at` begins."""
    for back in range(min(NEAR, at)):
        if data[at - back] == SPACE:
            return at - back
    while at > 0 and data[at] & 0xC0 == 0x80:
        at -= 1
    return at


@compiled
def census(data: Bytes, classes: Bytes, kinds: int) -> Counts:
    """Return how many characters of each class (kinds + 1,) valid UTF-8 has, spaces left out; last, how many capitals."""
    counts = np.zeros(kinds + 1, np.int64)
    at = 0
    while at < len(data):
        first = np.int64(data[at])
        if first < 0x80:
            point, width = first, 1
        elif first < 0xE0:
            point, width = first & 0x1F, 2
        elif first < 0xF0:
            point, width = first & 0x0F, 3
        else:
            point, width = first & 0x07, 4
        for more in range(1, width):
            point = point << 6 | data[at + more] & 0x3F
        at += width
        if point != SPACE:
            kind = classes[point]
            counts[kind & (CAPITAL - 1)] += 1
            counts[kinds] += kind >= CAPITAL
    return counts


@compiled
def weigh(
    counts: Counts, script_of: Counts, weight: Counts, scripts: int, han: int, hangul: int
) -> tuple[int, int, int, float]:
    """Return visible characters, letters, the script with the greatest weight of letters, and its share of that weight.

    Korean is written in Hangul with Chinese characters, which are no other script there.
    """
    sums = np.zeros(scripts, np.int64)
    letters = 0
    for kind in range(1, len(script_of)):
        letters += counts[kind]
        sums[script_of[kind]] += counts[kind] * weight[kind]
    best = int(np.argmax(sums))
    of_best = sums[best] + (sums[han] if best == hangul else 0)
    return letters + counts[0], letters, best, of_best / max(1, sums.sum())


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


class Writing:
    """Classes of characters: 0 for what is no letter, then scripts (`scripts`), simplified only, traditional only.

    `script_of` (kinds,) gives the script of a class: that of kana is `Han`. In a short text a letter weighs as much as the bytes
    of UTF-8 that its script takes (`weight`): names, addresses and commands in Latin letters stand in texts of every language, so
    one of them says less than one of the others. In a longer one (`weight_in_long`) letters count alike, but for dense scripts.
    """

    def __init__(self) -> None:
        ranges = _lines(data_file("scripts/cleaning/lists/letters_by_script.txt").read_text("utf-8"))
        simplified = _lines(data_file("scripts/cleaning/lists/han_simplified.txt").read_text("utf-8"))
        traditional = _lines(data_file("scripts/cleaning/lists/han_traditional.txt").read_text("utf-8"))
        kind_of = {"Hiragana": "Kana", "Katakana": "Kana", "Bopomofo": "Han"}
        names = [kind_of.get(line.split()[2], line.split()[2]) for line in ranges]
        self.scripts: Sequence[str] = sorted(set(names))
        self.kinds = 1 + len(self.scripts) + 2
        self.kana = 1 + self.scripts.index("Kana")
        self.simplified, self.traditional = self.kinds - 2, self.kinds - 1
        self._classes = np.zeros(CODE_POINTS, np.uint8)
        self.weight = np.full(self.kinds, len("\u4e00".encode()), np.int64)
        for line, name in zip(reversed(ranges), reversed(names), strict=True):
            first, last = (int(number, 16) for number in line.split()[:2])
            self._classes[first : last + 1] = 1 + self.scripts.index(name)
            self.weight[1 + self.scripts.index(name)] = len(chr(first).encode())  # at last that of the first range
        dense = ("Han", "Kana", "Hangul", "Ethiopic")
        weights = [DENSE if script in dense else 1 for script in self.scripts]
        self.weight_in_long = np.array([1, *weights, DENSE, DENSE], np.int64)
        self._classes[[ord(character) for character in "".join(simplified)]] = self.simplified
        self._classes[[ord(character) for character in "".join(traditional)]] = self.traditional
        letters = np.flatnonzero(self._classes)
        capitals = [point for point in letters.tolist() if unicodedata.category(chr(point)) == "Lu"]
        self._classes[capitals] += CAPITAL
        han, self._hangul = self.scripts.index("Han"), self.scripts.index("Hangul")
        self.script_of = np.array([0, *range(len(self.scripts)), han, han], np.int64)
        self.script_of[self.kana] = self._han = han

    def count(self, data: Bytes) -> Counts:
        """Return how many characters of each class valid UTF-8 has, and how many capitals."""
        return census(data, self._classes, self.kinds)

    def weigh(self, counts: Counts, is_long: bool) -> tuple[int, int, int, float]:
        """Return visible characters, letters, the number of the heaviest script, and its share."""
        weight = self.weight_in_long if is_long else self.weight
        return weigh(counts, self.script_of, weight, len(self.scripts), self._han, self._hangul)
