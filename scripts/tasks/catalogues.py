"""Translations from message catalogues in gettext form, as OPUS makes parallel text from them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polib

from scripts.lib.errors import UserError
from scripts.tasks.item import Files, Item, split_by_hash

SHORTEST = 2  # words; below, catalogues hold labels of buttons
DECLARED = ("Language", "Language-Code")  # where a catalogue says which language it is in; Zope has the second
UNKNOWN = "Translation"
LANGUAGES = {
    "ar": "Arabic", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "eo": "Esperanto", "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "gl": "Galician", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "nb": "Norwegian", "nl": "Dutch", "nn": "Nynorsk",
    "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian",
    "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "ta": "Tamil", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian",
    "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def read_translation(files: Files, removed: Counter[str]) -> Iterator[Item]:
    """Catalogues: English, and its translation into the language that the catalogue declares.

    Where a comment gives the default English text, the message id is only a name. Fuzzy and empty entries, plurals and single
    words are left out, and equal pairs count once.
    """
    seen: set[tuple[str, str]] = set()
    for name, path in sorted(files.items()):
        catalogue = _opened(name, path)
        language = _language(catalogue.metadata)
        for entry in catalogue:
            source, target = _english(entry), entry.msgstr.strip()
            if entry.msgid_plural:
                removed["plural"] += 1
            elif "fuzzy" in entry.flags or entry.obsolete or not target:
                removed["untranslated"] += 1
            elif len(source.split()) < SHORTEST:
                removed["single_word"] += 1
            elif (source, target) in seen:
                removed["repeated"] += 1
            else:
                seen.add((source, target))
                context = f"{entry.msgctxt}/" if entry.msgctxt else ""
                yield Item(
                    f"{name}/{context}{entry.msgid}",
                    split_by_hash(source),
                    f"English: {source}\n{language}:",
                    target=f" {target}",
                    meta={"source": source},
                    texts=[source, target],
                )


def _opened(name: str, path: Path) -> Any:
    try:
        return polib.pofile(str(path))
    except (OSError, ValueError, LookupError) as error:
        reason = str(error).replace(str(path), name)
        raise UserError(
            f"{name} is not a message catalogue ({reason}); correct the kind of the task, or the file."
        ) from None


def _language(metadata: dict[str, str]) -> str:
    """Return the English name of the language that a catalogue declares, also with a country (pt_BR)."""
    declared = next((metadata[key] for key in DECLARED if metadata.get(key)), "")
    return LANGUAGES.get(re.split(r"[-_@]", declared.strip().lower())[0], UNKNOWN)


def _english(entry: Any) -> str:
    for line in (entry.comment or "").replace("\n", " ").split("Default:")[1:2]:
        return str(line).strip().strip('"').strip()
    return str(entry.msgid).strip()
