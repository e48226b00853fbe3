"""Documents of discussions: what opens one, if it is known, and the replies to it, depth first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scripts.sources.records import Outcome, Record, removed
from scripts.sources.threads import Thread


@dataclass(frozen=True, slots=True)
class Form:
    """How a site names its discussions: the native name of a number, and the address that it stands at the end of."""

    name: Callable[[int], str]
    address: Callable[[str], str]


def discussion(thread: Thread, form: Form, origin: str) -> Iterator[Outcome]:
    """Yield the document of a thread.

    Replies to a post that is lacking are named by their file, `origin`, too, since other files may have more replies to it;
    where all files are joined there is no such name. A title to which nobody says anything is no document.
    """
    opening, replies = thread.opening, thread.in_order()
    name = form.name(thread.number)
    about = dict(opening.about) if opening else {}
    if opening and not opening.text and not replies:
        yield removed("title_only", name, about.get("title") or "")
        return
    posts = [opening, *replies] if opening else replies
    if not posts:
        return
    first = opening or min(replies, key=lambda post: post.id)
    date = about.pop("date", None) or first.about.get("date")
    meta = {"title": None, **about, "score": opening.score if opening else None, "comments": len(replies)}
    yield Record(
        key=name if thread.opened or not origin else f"{origin}/{name}",
        text="\n\n".join(filter(None, [about.get("title"), *(post.text for post in posts)])),
        url=form.address(name),
        date=date,
        meta=meta,
    )
