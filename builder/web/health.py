"""For machines that watch: is the server alive, can it reach its database, how much does it do."""

from __future__ import annotations

import time

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

from builder.storage import DatabaseUnreachable
from builder.web.backlog import Backlog

blueprint = Blueprint("health", __name__)
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters of one server process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("endpoint", "method", "status")
        self.requests = Counter("dougong_requests", "Requests answered.", labels, registry=self.registry)
        self.seconds = Histogram(
            "dougong_request_seconds", "Time to answer.", ("endpoint",), buckets=BUCKETS, registry=self.registry
        )


def install(app: Flask) -> None:
    """Counts every request of ``app`` and adds the two addresses."""
    metrics = Metrics()
    metrics.registry.register(Backlog(app.extensions["dougong_workspaces"]))
    app.extensions["dougong_metrics"] = metrics
    app.register_blueprint(blueprint)

    @app.before_request
    def _start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def _count(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        metrics.requests.labels(endpoint, request.method, str(response.status_code)).inc()
        metrics.seconds.labels(endpoint).observe(time.perf_counter() - g.get("started", time.perf_counter()))
        return response


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 ``ok`` while every workspace's database answers, else 503."""
    try:
        for workspace in current_app.extensions["dougong_workspaces"].values():
            workspace.database.check()
    except DatabaseUnreachable:
        return Response("database unreachable\n", status=503, mimetype="text/plain")
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/metrics")
def metrics() -> Response:
    """Counters in the Prometheus text format; for the machine itself only, unless a proxy lets others through."""
    if request.remote_addr not in {"127.0.0.1", "::1"}:
        return Response("forbidden\n", status=403, mimetype="text/plain")
    found: Metrics = current_app.extensions["dougong_metrics"]
    return Response(generate_latest(found.registry), content_type=CONTENT_TYPE_LATEST)
