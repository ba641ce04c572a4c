"""Prometheus metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from .last_hour import LastHour

PREFIX = "whisper_proxy_"
# How the routes begin that have something transcribed.
TRANSCRIBING = "/v1/audio/"
# From a small model that the page cache has to a large one on a slow disk.
WAKE = (0.2, 0.5, 1, 2, 3, 5, 10, 20, 45)
# From no wait to that for a few inferences; bounded by the setting max_wait.
WAIT = (0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 30, 45, 60)
# From a sentence to hours; bounded by what a decoder may take.
DECODE = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300)
# From a short sentence on a GPU to an hour of audio on a CPU.
INFERENCE = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600)
AUDIO = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200)
# Inference time per audio time: 0.02 is a fast GPU; above 1 is slower than real time.
FACTOR = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class CommonMetrics:
    """What is measured of one application, whatever does its work."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.last_hour = LastHour()
        self._requests = Counter(
            PREFIX + "requests", "Requests", ["route", "outcome"], registry=self.registry
        )
        self.lost = self._counter("upstream_lost", "Connections lost to whisper-server or a member")
        self.running = self._gauge("running", "Requests that have a turn")
        self.waiting = self._gauge("waiting", "Requests in the queue")
        self.up = self._gauge("upstream_up", "Whether whisper-server or the pool takes requests")
        self._wait = self._histogram("wait_seconds", "Wait for a turn", WAIT)
        self.live_sessions = self._gauge("live_sessions", "Live sessions that are open")
        self.live_seconds = self._histogram(
            "live_seconds", "From the end of what was said live to its transcript", INFERENCE
        )

    def record_request(self, route: str, outcome: str) -> None:
        """Record that a request to a route has ended: "ok", or with an error's code."""
        self._requests.labels(route, outcome).inc()
        if route.startswith(TRANSCRIBING):
            self.last_hour.record_request(outcome)

    def record_wait(self, seconds: float) -> None:
        """Record for how long a request waited for its turn."""
        self._wait.observe(seconds)
        self.last_hour.record_wait(seconds)

    def _counter(self, name: str, about: str) -> Counter:
        return Counter(PREFIX + name, about, registry=self.registry)

    def _gauge(self, name: str, about: str) -> Gauge:
        return Gauge(PREFIX + name, about, registry=self.registry)

    def _histogram(self, name: str, about: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(PREFIX + name, about, buckets=buckets, registry=self.registry)


class PoolMetrics(CommonMetrics):
    """Those of a gateway to a pool."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = self._counter("pool_refused", "Requests that a member could not do")
        self.slots = self._gauge("pool_slots", "Requests that members take together")
        self.members = Gauge(
            PREFIX + "pool_members", "Members by their state", ["state"], registry=self.registry
        )
        self.member_seconds = self._histogram(
            "pool_member_seconds", "Time for which a member had a request", INFERENCE
        )


class Metrics(CommonMetrics):
    """Those of a proxy before whisper-server."""

    def __init__(self) -> None:
        super().__init__()
        self.hung = self._counter("upstream_hung", "Inferences that got no answer")
        self.decoding_running = self._gauge("decoding_running", "Recordings being decoded")
        self.decoding_waiting = self._gauge("decoding_waiting", "Recordings that wait for it")
        self.gpu = self._gauge("gpu_in_use", "Whether whisper-server uses the GPU; NaN: unknown")
        self.wake_seconds = self._histogram(
            "wake_seconds", "Time in which an idle whisper-server was ready again", WAKE
        )
        self.decode_seconds = self._histogram("decode_seconds", "Time of a decoding", DECODE)
        self._inference = self._histogram("inference_seconds", "Time of an inference", INFERENCE)
        self._audio = self._histogram("audio_seconds", "Audio transcribed", AUDIO)
        self._factor = self._histogram(
            "real_time_factor", "Seconds of inference per second of audio", FACTOR
        )

    def record_inference(self, seconds: float, audio_seconds: float) -> None:
        """Record a successful inference."""
        self._inference.observe(seconds)
        self._audio.observe(audio_seconds)
        self.last_hour.record_inference(seconds, audio_seconds)
        if audio_seconds:
            self._factor.observe(seconds / audio_seconds)
