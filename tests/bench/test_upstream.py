from bench.load import EXPECTED
from bench.upstream import RECORDING, answer, body_bytes


def test_the_length_of_a_body_is_read_whatever_the_case():
    assert body_bytes(b"POST / HTTP/1.1\r\ncontent-LENGTH: 12") == 12
    assert body_bytes(b"GET /health HTTP/1.1\r\nHost: x") == 0


def test_the_answer_has_the_text_that_the_load_expects():
    head, _, body = answer(RECORDING.read_bytes()).partition(b"\r\n\r\n")
    assert body_bytes(head) == len(body)
    assert EXPECTED in body
