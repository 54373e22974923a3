"""The error tree. Each error is raised where it is known and carries what is needed to act.

    StocktriageError
    ├── SettingsRefused            a setting that would be unsafe or cannot be understood
    ├── DatabaseUnavailable        the database cannot be reached, is full or is read-only
    ├── WritersCollided            two transactions were in each other's way, and this one was ended
    ├── NotFound                   nothing goes by that name
    ├── VerbRefused                a verb that the thing's present state does not allow
    ├── CursorRefused              a place in a list that nobody gave out
    └── interchange.errors …       files and profiles that cannot be read at all

A business *exception* is a case that people work on; a Python *error* is one of these.
"""


class StocktriageError(Exception):
    """Anything that stocktriage itself says no to."""


class SettingsRefused(StocktriageError):
    """``setting`` has a value that is unsafe or cannot be understood."""

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(f"{setting}: {reason}")
        self.setting = setting
        self.reason = reason


class DatabaseUnavailable(StocktriageError):
    """The database cannot be reached, is full or is read-only; nothing was written."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"the database {url} cannot be used: {reason}")
        self.url = url
        self.reason = reason


class WritersCollided(StocktriageError):
    """The database ended this transaction in favour of another; nothing was written, and it may be tried again."""


class NotFound(StocktriageError):
    """No ``kind`` goes by the name ``name``."""

    def __init__(self, kind: str, name: object) -> None:
        super().__init__(f"there is no {kind} {name}")
        self.kind = kind
        self.name = str(name)


class VerbRefused(StocktriageError):
    """``verb`` cannot be done to ``subject`` as it stands."""

    def __init__(self, verb: str, subject: str, reason: str) -> None:
        super().__init__(f"cannot {verb} {subject}: {reason}")
        self.verb = verb
        self.subject = subject
        self.reason = reason


class CursorRefused(StocktriageError):
    """The cursor is none that we gave out."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor!r} is no cursor of this list; ask for the first page and follow its next_cursor")
        self.cursor = cursor
