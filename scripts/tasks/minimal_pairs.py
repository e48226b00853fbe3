"""Grammatical minimal pairs, generated: two English sentences that differ in what makes one of them wrong.

The phenomena are among those of BLiMP (Warstadt et al. 2020); words and templates are our own. Each pair takes its words by
the hash of phenomenon and number, so that another count only adds or removes pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scripts.lib.seeds import seed_for

PAIRS = 60  # of each phenomenon

PEOPLE = [
    ("teacher", "teachers"), ("doctor", "doctors"), ("student", "students"), ("king", "kings"), ("farmer", "farmers"),
    ("writer", "writers"), ("child", "children"), ("woman", "women"), ("man", "men"), ("soldier", "soldiers"),
    ("friend", "friends"), ("patient", "patients"),
]  # fmt: skip
THINGS = [
    ("book", "books"), ("house", "houses"), ("letter", "letters"), ("table", "tables"), ("river", "rivers"),
    ("door", "doors"), ("city", "cities"), ("tree", "trees"), ("picture", "pictures"), ("garden", "gardens"),
]  # fmt: skip
VERBS = [  # third person, plural, past, participle; all take people or things
    ("sees", "see", "saw", "seen"), ("knows", "know", "knew", "known"), ("takes", "take", "took", "taken"),
    ("gives", "give", "gave", "given"), ("writes", "write", "wrote", "written"), ("chooses", "choose", "chose", "chosen"),
    ("draws", "draw", "drew", "drawn"), ("forgets", "forget", "forgot", "forgotten"),
]  # fmt: skip
INTRANSITIVE = ["arrived", "smiled", "slept", "laughed", "waited", "died", "cried", "sat"]
TRANSITIVE = ["watched", "helped", "followed", "visited", "answered", "praised", "remembered", "called"]
VOWELS = ["apple", "island", "army", "answer", "idea", "office", "engine", "old house"]
CONSONANTS = ["book", "river", "letter", "doctor", "garden", "new house", "picture", "tree"]
MASCULINE = ["man", "king", "boy", "father", "brother", "uncle", "son", "husband"]
FEMININE = ["woman", "queen", "girl", "mother", "sister", "aunt", "daughter", "wife"]


@dataclass(frozen=True)
class Words:
    """Choices of one pair: the same phenomenon and number give the same words."""

    phenomenon: str
    number: int

    def pick(self, slot: str, options: list[str]) -> str:
        """Return one of the options for a slot of the template."""
        return options[seed_for(0, "minimal pairs", self.phenomenon, str(self.number), slot) % len(options)]

    def place(self, slot: str, size: int) -> int:
        """Return a number below `size` for a slot of the template."""
        return seed_for(0, "minimal pairs", self.phenomenon, str(self.number), slot) % size


Pair = tuple[str, str]


def _agreement(words: Words, between: str) -> Pair:
    many = words.place("many", 2)
    subject = PEOPLE[words.place("subject", len(PEOPLE))][many]
    verb = VERBS[words.place("verb", len(VERBS))]
    thing = THINGS[words.place("object", len(THINGS))][0]
    start = f"The {subject}{between}"
    return f"{start} {verb[many]} the {thing}.", f"{start} {verb[1 - many]} the {thing}."


def simple_agreement(words: Words) -> Pair:
    """The verb agrees with the subject before it."""
    return _agreement(words, "")


def agreement_across_phrase(words: Words) -> Pair:
    """A prepositional phrase with a noun of the other number stands between subject and verb."""
    other = THINGS[words.place("between", len(THINGS))][1 - words.place("many", 2)]
    return _agreement(words, f" near the {other}")


def agreement_across_clause(words: Words) -> Pair:
    """A relative clause with a noun of the other number stands between subject and verb."""
    other = PEOPLE[words.place("between", len(PEOPLE))][1 - words.place("many", 2)]
    return _agreement(words, f" who {words.pick('verb of clause', TRANSITIVE)} the {other}")


def determiner_agreement(words: Words) -> Pair:
    """The demonstrative agrees with its noun."""
    many = words.place("many", 2)
    noun = THINGS[words.place("noun", len(THINGS))][many]
    person = PEOPLE[words.place("person", len(PEOPLE))][0]
    verb = VERBS[words.place("verb", len(VERBS))][2]
    near = words.place("near", 2)
    right, wrong = (
        (("this", "these"), ("that", "those"))[near][many],
        (("these", "this"), ("those", "that"))[near][many],
    )
    return f"The {person} {verb} {right} {noun}.", f"The {person} {verb} {wrong} {noun}."


def reflexive_gender(words: Words) -> Pair:
    """The reflexive pronoun agrees with its antecedent in gender."""
    female = words.place("female", 2)
    noun = words.pick("noun", FEMININE if female else MASCULINE)
    verb = words.pick("verb", TRANSITIVE)
    right, wrong = ("herself", "himself") if female else ("himself", "herself")
    return f"The {noun} {verb} {right}.", f"The {noun} {verb} {wrong}."


def reflexive_number(words: Words) -> Pair:
    """The reflexive pronoun agrees with its antecedent in number."""
    noun = words.pick("noun", MASCULINE)
    many = words.place("many", 2)
    subject = f"The {noun}" if not many else f"The {_plural(noun)}"
    verb = words.pick("verb", TRANSITIVE)
    right, wrong = ("themselves", "himself") if many else ("himself", "themselves")
    return f"{subject} {verb} {right}.", f"{subject} {verb} {wrong}."


def _plural(noun: str) -> str:
    return "men" if noun == "man" else f"{noun}s"


def participle(words: Words) -> Pair:
    """After "has" stands the participle, not the past tense."""
    person = PEOPLE[words.place("person", len(PEOPLE))][0]
    verb = VERBS[words.place("verb", len(VERBS))]
    thing = THINGS[words.place("thing", len(THINGS))][0]
    return f"The {person} has {verb[3]} the {thing}.", f"The {person} has {verb[2]} the {thing}."


def infinitive(words: Words) -> Pair:
    """After a modal verb stands the infinitive."""
    person = PEOPLE[words.place("person", len(PEOPLE))][0]
    verb = VERBS[words.place("verb", len(VERBS))]
    modal = words.pick("modal", ["will", "must", "should", "can", "may"])
    thing = THINGS[words.place("thing", len(THINGS))][0]
    return f"The {person} {modal} {verb[1]} the {thing}.", f"The {person} {modal} {verb[0]} the {thing}."


def article(words: Words) -> Pair:
    """The indefinite article is "an" before a vowel."""
    vowel = words.place("vowel", 2)
    noun = words.pick("noun", VOWELS if vowel else CONSONANTS)
    person = PEOPLE[words.place("person", len(PEOPLE))][0]
    right, wrong = ("an", "a") if vowel else ("a", "an")
    return f"The {person} saw {right} {noun}.", f"The {person} saw {wrong} {noun}."


def transitivity(words: Words) -> Pair:
    """An intransitive verb takes no object."""
    person = PEOPLE[words.place("person", len(PEOPLE))][0]
    thing = PEOPLE[words.place("thing", len(PEOPLE))][0]
    good, bad = words.pick("good", TRANSITIVE), words.pick("bad", INTRANSITIVE)
    return f"The {person} {good} the {thing}.", f"The {person} {bad} the {thing}."


def quantifier(words: Words) -> Pair:
    """ "Many" counts, "much" measures."""
    person = PEOPLE[words.place("person", len(PEOPLE))][0]
    count = words.place("count", 2)
    noun = (
        THINGS[words.place("noun", len(THINGS))][1] if count else words.pick("mass", ["water", "money", "time", "work"])
    )
    verb = VERBS[words.place("verb", len(VERBS))][2]
    right, wrong = ("many", "much") if count else ("much", "many")
    return f"The {person} {verb} too {right} {noun}.", f"The {person} {verb} too {wrong} {noun}."


def pronoun_case(words: Words) -> Pair:
    """A subject is in the nominative."""
    right, wrong = (("He", "Him"), ("She", "Her"), ("They", "Them"), ("We", "Us"))[words.place("pronoun", 4)]
    verb = VERBS[words.place("verb", len(VERBS))][2]
    thing = THINGS[words.place("thing", len(THINGS))][0]
    return f"{right} {verb} the {thing}.", f"{wrong} {verb} the {thing}."


PHENOMENA: dict[str, Callable[[Words], Pair]] = {
    "subject-verb agreement": simple_agreement,
    "agreement across a phrase": agreement_across_phrase,
    "agreement across a clause": agreement_across_clause,
    "determiner agreement": determiner_agreement,
    "reflexive gender": reflexive_gender,
    "reflexive number": reflexive_number,
    "participle": participle,
    "infinitive": infinitive,
    "article": article,
    "transitivity": transitivity,
    "quantifier": quantifier,
    "pronoun case": pronoun_case,
}


def minimal_pairs() -> Iterator[tuple[str, int, str, str]]:
    """Yield phenomenon, number, grammatical and ungrammatical sentence; equal pairs of a phenomenon come once."""
    for name, make in PHENOMENA.items():
        seen: set[Pair] = set()
        number = 0
        while len(seen) < PAIRS:
            pair = make(Words(name, number))
            if pair not in seen:
                seen.add(pair)
                yield name, number, *pair
            number += 1
