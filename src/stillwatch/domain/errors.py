"""What goes wrong with input: an error that says what, where and what to do."""

from __future__ import annotations


class InputError(Exception):
    """Bad input or usage (exit status 2).

    ``where`` names file, row and column as far as they are known; ``remedy`` says what the user can do.
    No value of a log is ever part of the message.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(": ".join(part for part in (where, what) if part) + (f" ({remedy})" if remedy else ""))
