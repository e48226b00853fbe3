"""The one exception that a user is meant to read."""

from __future__ import annotations


class UserError(Exception):
    """One sentence that names the file or the config key, what is wrong and the remedy.

    Programs print it without a traceback and exit with 1.
    """
