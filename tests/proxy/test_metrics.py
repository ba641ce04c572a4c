from whisper_proxy.metrics import Metrics


def test_every_application_has_its_own() -> None:
    one, other = Metrics(), Metrics()
    one.lost.inc()
    assert one.registry.get_sample_value("whisper_proxy_upstream_lost_total") == 1
    assert other.registry.get_sample_value("whisper_proxy_upstream_lost_total") == 0


def test_an_inference_is_counted_with_its_factor() -> None:
    metrics = Metrics()
    metrics.record_inference(0.5, 10)
    for name, value in (
        ("inference_seconds_sum", 0.5),
        ("audio_seconds_sum", 10),
        ("real_time_factor_sum", 0.05),
    ):
        assert metrics.registry.get_sample_value(f"whisper_proxy_{name}") == value


def test_no_audio_has_no_factor() -> None:
    metrics = Metrics()
    metrics.record_inference(0.5, 0)
    assert metrics.registry.get_sample_value("whisper_proxy_real_time_factor_count") == 0
