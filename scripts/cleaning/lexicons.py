"""Lists of terms, and where their terms occur in texts: one compiled pass, however many terms there are.

A list is a text file (UTF-8) with a term a line; empty lines and lines that begin with # are skipped. Terms and texts are
compared as scripts.cleaning.folding folds them, and any white space within a term is any white space. A term
matches whole words: no match begins or ends between two letters, marks or digits, or before a combining mark. Scripts without
spaces have no such borders, so there a term matches anywhere, as in C4 (Raffel et al. 2020, section 2.2). Matches do not
overlap: the longest term wins at the first place, then the search goes on behind it.

Terms are a trie: the characters that follow a state are found in a hash table, or for the first state in an array. Its size is
that of the lists, about 30 bytes per character, and its speed that of the text.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scripts.cleaning.folding import CODE, MARK, OWN, SYMBOL, WORD, folded
from scripts.cleaning.mixing import mixed
from scripts.cleaning.tags import matches
from scripts.lib.compiled import compiled, compiled_inner
from scripts.lib.errors import UserError
from scripts.lib.tables import capacity_for

log = logging.getLogger(__name__)

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]

LONGEST = 200  # characters of a term
TABLED = 0x3000  # first characters below are looked up in an array
GAP = 0x20  # what stands for white space
NO_TERM = -1
_CLASSES = 0xFFFFFFFF ^ CODE


class Trie(NamedTuple):
    """The terms of a lexicon; state 0 is the beginning of all."""

    first: I32  # [TABLED] the state that a first character leads to, 0 for none
    keys: U64  # [slots] state + 1 in the upper half, character in the lower; 0 for a free slot
    nexts: I32  # [slots] the state that it leads to
    ends: I32  # [states] the number of the term that ends there, or NO_TERM


class Found(NamedTuple):
    """What was found in a text: terms by number in the order of the text, words within them, words of the text."""

    terms: I32
    covered: int
    words: int


class Lexicon:
    """Terms, ready to be looked for."""

    def __init__(self, terms: Iterable[str]) -> None:
        self.terms = sorted(set(terms))
        starts = np.zeros(len(self.terms) + 1, np.int64)
        np.cumsum([len(term) for term in self.terms], out=starts[1:])
        codes = np.frombuffer(bytearray("".join(self.terms).encode("utf-32-le", "surrogatepass")), np.uint32)
        slots = capacity_for(len(codes))
        trie = Trie(
            np.zeros(TABLED, np.int32),
            np.zeros(slots, np.uint64),
            np.zeros(slots, np.int32),
            np.full(len(codes) + 1, NO_TERM, np.int32),
        )
        states = _build(codes, starts, *trie)
        self._trie = trie._replace(ends=trie.ends[:states].copy())

    def find(self, text: str) -> Found:
        """Return what occurs in a text."""
        return Found(*_find(folded(text), *self._trie))


class Lexicons:
    """Terms for documents in all languages and for those in some, each language's put together when it is first met."""

    def __init__(self, everywhere: Iterable[str], languages: Mapping[str, Iterable[str]]) -> None:
        self._everywhere = frozenset(everywhere)
        self._languages = {tag: found for tag, terms in languages.items() if (found := frozenset(terms))}
        self.of = functools.cache(self._of)
        self._made: dict[tuple[str, ...], Lexicon] = {}

    def _of(self, language: str | None) -> Lexicon | None:
        """Return the terms for documents in a language (`zh` holds for its variants too); None where it has none."""
        tags = tuple(tag for tag in self._languages if matches(language or "", [tag]))
        if not tags and not self._everywhere:
            return None
        if tags not in self._made:
            self._made[tags] = Lexicon(self._everywhere.union(*(self._languages[tag] for tag in tags)))
        return self._made[tags]


def read_terms(paths: Sequence[Path]) -> list[str]:
    """Return the terms of some lists as they are compared; raises UserError for a list that holds none or one that is no term."""
    return [term for path in paths for term in _terms_of(path)]


def _terms_of(path: Path) -> dict[str, int]:
    """Return the terms of a list with the numbers of their lines."""
    found: dict[str, int] = {}
    for number, line in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            text = line.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise UserError(f"{path}, line {number} is not UTF-8; save the list in that encoding.") from None
        if not text or text.startswith("#"):
            continue
        term = spelled(text)
        if not term:
            raise UserError(f"{path}, line {number} has {text!r}, which is punctuation alone; remove it.")
        if len(term) > LONGEST:
            raise UserError(
                f"{path}, line {number} has {len(term)} characters, but a term has at most {LONGEST}; remove it."
            )
        if term in found:
            log.warning("%s has the term %r twice, in lines %d and %d; remove one.", path, text, found[term], number)
        found.setdefault(term, number)
    if not found:
        raise UserError(f"{path} holds no terms; add one a line, or remove the list.")
    return found


def spelled(text: str) -> str:
    """Return a term as it is compared; empty when it has no letter, number or symbol."""
    codes = folded(text)
    if not (codes & (WORD | OWN | SYMBOL)).any():
        return ""
    gaps = (codes & _CLASSES) == 0
    letters = "".join(map(chr, np.where(gaps, GAP, codes & CODE).tolist()))
    return " ".join(one for one in letters.split(" ") if one)


@compiled
def _build(codes: U32, starts: I64, first: I32, keys: U64, nexts: I32, ends: I32) -> int:
    """Enter terms that differ: term n has the characters from `starts[n]` to `starts[n + 1]`; returns how many states."""
    states = 1
    for term in range(len(starts) - 1):
        state = 0
        for place in range(starts[term], starts[term + 1]):
            code = int(np.int64(codes[place]))
            slot = _slot(keys, state, code)
            if keys[slot] == 0:
                keys[slot] = _key(state, code)
                nexts[slot] = states
                if state == 0 and code < TABLED:
                    first[code] = states
                states += 1
            state = int(np.int64(nexts[slot]))
        ends[state] = term
    return states


@compiled_inner
def _key(state: int, code: int) -> np.uint64:
    return (np.uint64(state + 1) << np.uint64(32)) | np.uint64(code)


@compiled_inner
def _slot(keys: U64, state: int, code: int) -> int:
    """Return the slot of what follows a state, or the free one where it belongs; the number of slots is a power of two."""
    key = _key(state, code)
    mask = np.uint64(len(keys) - 1)
    slot = mixed(key) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return int(np.int64(slot))


@compiled_inner
def _edge(before: int, after: int) -> bool:
    """Tell whether a word may end or begin between two characters of a folded text."""
    return not after & MARK and not before & after & WORD


@compiled_inner
def _longest(codes: U32, place: int, first: I32, keys: U64, nexts: I32, ends: I32) -> tuple[int, int]:
    """Return the longest term that begins at a place, and where it ends; NO_TERM where none does."""
    term, stop, state, end = NO_TERM, place, 0, len(codes)
    while place < end:
        code = int(np.int64(codes[place]))
        gap = code & _CLASSES == 0
        letter = GAP if gap else code & CODE
        if state == 0 and letter < TABLED:
            state = int(np.int64(first[letter]))
            if state == 0:
                break
        else:
            slot = _slot(keys, state, letter)
            if keys[slot] == 0:
                break
            state = int(np.int64(nexts[slot]))
        place += 1
        while gap and place < end and int(np.int64(codes[place])) & _CLASSES == 0:
            place += 1
        if ends[state] != NO_TERM and (
            place == end or _edge(int(np.int64(codes[place - 1])), int(np.int64(codes[place])))
        ):
            term, stop = int(np.int64(ends[state])), place
    return term, stop


@compiled
def _find(codes: U32, first: I32, keys: U64, nexts: I32, ends: I32) -> tuple[I32, int, int]:
    """Return the terms in a folded text, the words within them and all words: a letter of a script without spaces is one."""
    found = np.empty(len(codes), np.int32)
    count, covered, words, before, stop = 0, 0, 0, 0, 0
    for place in range(len(codes)):
        code = int(np.int64(codes[place]))
        if _edge(before, code):
            word = code & (WORD | OWN) != 0
            words += word
            if place >= stop:
                term, end = _longest(codes, place, first, keys, nexts, ends)
                if term != NO_TERM:
                    found[count] = term
                    count += 1
                    stop = end
            covered += word and place < stop
        before = code
    return found[:count].copy(), covered, words
