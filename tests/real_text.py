"""Real English prose that every machine with Python has: the language reference as `pydoc` carries it, and module docs."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from pydoc_data.topics import topics

MODULES = (
    "argparse ast asyncio base64 bisect calendar collections concurrent.futures configparser contextlib copy csv ctypes "
    "dataclasses datetime decimal difflib doctest email.message enum fractions functools gettext glob gzip hashlib heapq "
    "html.parser http.client imaplib inspect io ipaddress json logging mailbox mimetypes multiprocessing.pool optparse os "
    "pathlib pdb pickle pickletools platform plistlib poplib pprint random re sched secrets shelve shlex shutil smtplib "
    "socket socketserver sqlite3 ssl statistics string subprocess tarfile tempfile textwrap threading timeit trace "
    "traceback codecs cmd fileinput filecmp ftplib numbers selectors wave typing unittest unittest.mock "
    "urllib.parse urllib.request uuid warnings weakref xml.dom.minidom zipfile"
)


def topic_documents() -> list[dict[str, str]]:
    """Return the topics of the language reference: `{"id", "text"}`, sorted by id."""
    return [{"id": name, "text": text} for name, text in sorted(topics.items()) if len(text) > 500]


def module_documents() -> list[dict[str, str]]:
    """Return what modules, classes and functions of the standard library say of themselves, one document a module."""
    documents = []
    for name in MODULES.split():
        module = importlib.import_module(name)
        things = [
            module,
            *(thing for _, thing in inspect.getmembers(module) if inspect.isclass(thing) or inspect.isfunction(thing)),
        ]
        texts = dict.fromkeys(text for thing in things if (text := inspect.getdoc(thing)))
        documents.append({"id": name, "text": "\n\n".join(texts)})
    return documents


def write_jsonl(path: Path, documents: list[dict[str, str]]) -> None:
    """Write documents as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
