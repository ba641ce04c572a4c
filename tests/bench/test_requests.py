import io
import wave

from bench.requests import transcription, wav


def test_the_audio_is_what_whisper_takes_and_of_the_size_asked_for():
    audio = wav(352_044)
    with wave.open(io.BytesIO(audio)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
    assert len(audio) == 352_044


def test_the_length_that_a_request_says_is_that_of_its_body():
    head, _, body = transcription(b"audio").partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}\r\n".encode() in head
    assert b"\r\n\r\naudio\r\n--" in body
