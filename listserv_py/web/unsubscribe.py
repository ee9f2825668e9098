"""The pages behind the links for one-click unsubscription (RFC 8058).

Only POST acts: programs that look at every link of a mail use GET and HEAD, and must end nobody's
subscription. A token that we did not make gets the page of one whose subscription is over, so that
nothing can be learnt by trying. The token is the key to it all: it is in no log line.
"""

from __future__ import annotations

from email.utils import formatdate
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from listserv_py.errors import ListservError
from listserv_py.maillog import get_logger
from listserv_py.web.page import HEADERS, Page

log = get_logger("web")

BODY_MAX = 65_536
"""Octets of a form that are read before we refuse it; what it says does not matter."""

_PATHS = ("/u/{token}", "/{prefix:path}/u/{token}")
_ABSENT = Page("Not found", "There is no page at this address.")
_ODD = Page("Not possible", "This page can only be looked at, or answered with its button.")
_LARGE = Page("Too large", "That is more than this page takes.")
_BROKEN = Page(
    "Not now",
    "Something is wrong at our end, and nothing was changed. Please try again in a few minutes.",
)


class Counter(Protocol):
    """Who knows the tokens; both answer with a page, and True where the token serves."""

    async def ask(self, token: str) -> tuple[Page, bool]:
        """The page that asks; changes nothing."""

    async def leave(self, token: str) -> tuple[Page, bool]:
        """End the subscription; on stable storage when this returns."""


def pages(counter: Counter) -> Starlette:
    """The application; its pages stand below any path, as proxies cut that off or pass it on."""

    async def link(request: Request) -> Response:
        token = request.path_params["token"]
        try:
            if request.method != "POST":
                page, serves = await counter.ask(token)
                return _response(page, 200 if serves else 404)
            if not await _read_away(request):
                return _response(_LARGE, 413)
            page, _ = await counter.leave(token)
        except ClientDisconnect:
            return _response(_BROKEN, 400)
        except ListservError as exc:
            log.warning("web.not_now", reason=str(exc))
            return _response(_BROKEN, 503)
        # RFC 8058 3.2: no redirect; and the same again for who comes twice.
        return _response(page, 200)

    app = Starlette(
        routes=[Route(path, link, methods=["GET", "HEAD", "POST"]) for path in _PATHS],
        exception_handlers={404: _absent, 405: _odd, Exception: _broken},
    )
    app.router.redirect_slashes = False
    return app


async def _read_away(request: Request) -> bool:
    """Read what was sent, and forget it; False when it is too much.

    Left unread, it would reset the connection before the answer is there.
    """
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > BODY_MAX:
            return False
    return True


def _response(page: Page, status: int) -> Response:
    headers = {**HEADERS, "Date": formatdate(usegmt=True)}
    return Response(page.html(), status, headers)


async def _absent(_: Request, __: Exception) -> Response:
    return _response(_ABSENT, 404)


async def _odd(_: Request, __: Exception) -> Response:
    response = _response(_ODD, 405)
    response.headers["Allow"] = "GET, HEAD, POST"
    return response


async def _broken(_: Request, exc: Exception) -> Response:
    log.error("web.failed", exc_info=exc)
    return _response(_BROKEN, 500)
