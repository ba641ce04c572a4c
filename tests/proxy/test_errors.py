import pytest
from whisper_proxy.errors import ApiError, invalid, quoted


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (404, "invalid_request_error"),
        (413, "invalid_request_error"),
        (500, "server_error"),
        (503, "server_error"),
    ],
)
def test_the_status_gives_the_type(status: int, kind: str) -> None:
    assert ApiError(status, "No.").body() == {
        "error": {"message": "No.", "type": kind, "param": None, "code": None}
    }


def test_a_bad_field_is_named() -> None:
    error = invalid("language", "Which?")
    assert error.status == 400
    assert error.body()["error"] == {
        "message": "Which?",
        "type": "invalid_request_error",
        "param": "language",
        "code": "invalid_value",
    }


def test_it_becomes_a_response() -> None:
    response = ApiError(503, "Later.", code="overloaded", headers={"Retry-After": "5"}).response()
    assert (response.status, response.headers["Retry-After"]) == (503, "5")
    assert response.content_type == "application/json"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", "'a'"), ("a\nb", r"'a\nb'"), ("a" * 41, f"'{'a' * 40}…'")],
)
def test_what_a_client_sent_is_quoted_and_cut(text: str, expected: str) -> None:
    assert quoted(text) == expected
