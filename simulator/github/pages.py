"""Lists in pages, with the links between them."""

from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlencode

from starlette.requests import Request

T = TypeVar("T")


def base_of(request: Request) -> str:
    """The address that the client reached, without a final slash."""
    return str(request.base_url).rstrip("/")


def page_numbers(request: Request) -> tuple[int, int]:
    """Which page is asked for, from 1, and how many rows it has, at most 100."""
    query = request.query_params
    number, size = query.get("page", ""), query.get("per_page", "")
    wanted = int(size) if size.isdecimal() and int(size) else 30
    return (int(number) if number.isdecimal() and int(number) else 1), min(wanted, 100)


def page_of(request: Request, found: Sequence[T]) -> tuple[Sequence[T], dict[str, str]]:
    """The rows of the page asked for, and the header that leads to the others."""
    number, size = page_numbers(request)
    last = max(1, -(-len(found) // size))
    pages = {"next": number + 1, "last": last} if number < last else {}
    if number > 1:
        pages |= {"prev": number - 1, "first": 1}
    links = []
    for name, target in pages.items():
        query = urlencode(dict(request.query_params) | {"page": str(target)})
        address = f"{base_of(request)}{request.url.path}?{query}"
        links.append(f'<{address}>; rel="{name}"')
    headers = {"Link": ", ".join(links)} if links else {}
    return found[(number - 1) * size : number * size], headers
