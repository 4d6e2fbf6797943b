"""What Prometheus can read of a server, at `/metrics`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

_SECONDS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10)
_IMAGES = (1, 2, 4, 8, 16, 32)


class Metrics:
    """The figures of one server, in a registry of its own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "headstart_requests", "Requests answered.", ["route", "method", "code"], registry=registry
        )
        self.seconds = Histogram(
            "headstart_request_seconds",
            "Seconds from a request's header to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.images = Counter("headstart_images", "Images classified.", registry=registry)
        self.refused = Counter("headstart_images_refused", "Images that cannot be used.", registry=registry)
        self.batches = Histogram(
            "headstart_batch_images", "Images of one TensorFlow call.", buckets=_IMAGES, registry=registry
        )
        self.version = Gauge("headstart_model_version", "The version served.", ["model"], registry=registry)
        self.loads = Counter(
            "headstart_model_loads",
            "Versions that did load, or did not.",
            ["ok"],
            registry=registry,
        )

    def text(self) -> bytes:
        """All figures in Prometheus's text format."""
        return generate_latest(self._registry)
