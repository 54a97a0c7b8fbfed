import pytest

from container import stand_in


@pytest.mark.parametrize(
    "image",
    [
        "python:3.11.17-slim-bookworm",
        "python:3.11.17-slim-bookworm@sha256:0a31",
        "example.invalid:5000/python:3.11-bookworm",
    ],
)
def test_is_of_the_release_that_the_base_image_names(image: str) -> None:
    assert stand_in.suite(image) == "bookworm"


def test_comes_from_a_mirror_or_from_where_debootstrap_finds_it() -> None:
    command = [
        "debootstrap",
        "--variant=minbase",
        "--include=python3,python3-venv,ca-certificates",
        "bookworm",
        "/there",
    ]
    assert stand_in.debootstrap_command("bookworm", "/there", "") == command
    assert stand_in.debootstrap_command("bookworm", "/there", "http://example.invalid/debian") == [
        *command,
        "http://example.invalid/debian",
    ]
