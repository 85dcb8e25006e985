"""Children of programs without isolation are found by their environment."""

import subprocess

import pytest

from glotsmith.sandbox.none import kill_marked

TOKEN = "GLOTSMITH_TEST_TOKEN=1"


@pytest.mark.parametrize(
    ("command", "dies"),
    [
        (f"exec env {TOKEN} sleep 60", True),
        (f"sleep 0.02; exec env {TOKEN} sleep 60", True),  # it has no environment for a while, as during an exec
        (f"exec env {TOKEN}0 sleep 60", False),
        ("exec sleep 60", False),  # it never gets one
    ],
)
def test_a_child_is_killed_if_it_has_the_token_or_gets_it_soon(command: str, dies: bool) -> None:
    with subprocess.Popen(["/bin/sh", "-c", f"PATH=/usr/bin:/bin; {command}"], env={}) as child:
        try:
            kill_marked(TOKEN.encode())
            assert (child.poll() is not None) == dies
        finally:
            child.kill()
