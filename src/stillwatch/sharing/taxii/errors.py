"""What a request can be refused with: an HTTP status and an error resource (TAXII 2.1, 3.6.1)."""

from __future__ import annotations

from http import HTTPStatus


class RefusedError(Exception):
    """A request that is answered with an error resource.

    ``description`` says what is wrong and what to do; it never repeats a secret, and no more of the request than
    the name of the offending parameter or object.
    """

    def __init__(self, status: int, description: str, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(description)
        self.status, self.description, self.headers = status, description, headers

    def resource(self) -> dict[str, str]:
        """The error resource; ``http_status`` is the status of the answer, as 3.6.1 demands."""
        return {
            "title": HTTPStatus(self.status).phrase,
            "description": self.description,
            "http_status": str(self.status),
        }


def not_found(what: str) -> RefusedError:
    """404, in the same words whether a thing is absent or hidden."""
    return RefusedError(404, f"There is no such {what} here, or you may not see it.")
