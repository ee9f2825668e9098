"""/metrics, in the words of Prometheus, on a door of its own that is not for the public.

Nothing here counts: what is told are plain values, collected when somebody asks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from listserv_py.errors import ListservError
from listserv_py.maillog import get_logger

log = get_logger("metrics")

PREFIX = "listserv_py_"


@dataclass(frozen=True, slots=True)
class Figure:
    """One family: its values by what its labels say; a counter's name has no `_total` here."""

    name: str
    meaning: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = ()
    only_grows: bool = False


Collect = Callable[[], Awaitable[Sequence[Figure]]]


def metrics(collect: Collect) -> Starlette:
    """The application."""

    async def show(_: Request) -> Response:
        try:
            figures = await collect()
        except ListservError as exc:
            log.warning("metrics.not_now", reason=str(exc))
            return _plain("The store does not answer.\n", 503)
        registry = CollectorRegistry()
        registry.register(_Figures(figures))
        ProcessCollector(namespace=PREFIX.rstrip("_"), registry=registry)
        return Response(generate_latest(registry), 200, _headers(CONTENT_TYPE_LATEST))

    app = Starlette(
        routes=[Route("/metrics", show)], exception_handlers={404: _absent, 405: _read_only}
    )
    app.router.redirect_slashes = False
    return app


class _Figures(Collector):
    def __init__(self, figures: Sequence[Figure]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        """The families, in their order."""
        for one in self._figures:
            family = CounterMetricFamily if one.only_grows else GaugeMetricFamily
            made = family(PREFIX + one.name, one.meaning, labels=one.labels)
            for labels, value in one.values.items():
                made.add_metric(labels, value)
            yield made


async def _absent(_: Request, __: Exception) -> Response:
    return _plain("/metrics is here.\n", 404)


async def _read_only(_: Request, __: Exception) -> Response:
    response = _plain("/metrics is only read.\n", 405)
    response.headers["Allow"] = "GET, HEAD"
    return response


def _plain(text: str, status: int) -> Response:
    return PlainTextResponse(text, status, _headers("text/plain; charset=utf-8"))


def _headers(kind: str) -> dict[str, str]:
    return {
        "Content-Type": kind,
        "Connection": "close",
        "Cache-Control": "no-store",
        "Date": formatdate(usegmt=True),
    }
