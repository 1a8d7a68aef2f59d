from __future__ import annotations

import os
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

Failed = pytest.fail.Exception


def test_a_connection_to_another_machine_fails_the_test() -> None:
    with socket.socket() as client, pytest.raises(Failed, match="off this machine"):
        client.connect(("192.0.2.1", 80))


def test_a_look_up_of_another_machine_fails_the_test() -> None:
    with pytest.raises(Failed, match="off this machine"):
        socket.create_connection(("example.com", 443))


def test_a_listener_for_other_machines_fails_the_test() -> None:
    with socket.socket() as server, pytest.raises(Failed, match="off this machine"):
        server.bind(("0.0.0.0", 0))


def test_loopback_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with socket.create_connection((host, port)) as client:
            assert port == client.getpeername()[1]


def test_a_real_sleep_fails_the_test() -> None:
    with pytest.raises(Failed, match="was called for real"):
        time.sleep(0.06)


def test_a_file_in_the_checkout_fails_the_test() -> None:
    with pytest.raises(Failed, match="use `tmp_path`"):
        (REPOSITORY / "left-behind.txt").write_text("x")


def test_a_database_in_the_checkout_fails_the_test() -> None:
    with pytest.raises(Failed, match="use `tmp_path`"):
        sqlite3.connect(REPOSITORY / "left-behind.sqlite3")


def test_each_test_has_its_own_folder_home_and_environment(tmp_path: Path) -> None:
    ours = [name for name in os.environ if name.startswith(("AMO_", "GOOGLE_"))]

    assert ([], tmp_path, []) == (ours, Path.cwd(), list(tmp_path.iterdir()))
    assert tmp_path.parent == Path.home().parent
