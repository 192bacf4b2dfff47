"""The local executor: a stop while a backend hangs."""

from __future__ import annotations

import os
import signal

import pytest
from helpers.faulty_stand_ins import FOLDER, Orders, write_caption
from helpers.processes import wait_while
from helpers.stand_ins import Command

from copilot.seed import Seed

FAULTY = ("--designer", "stand-in-reader", "--sfx", "faulty-noise", "--tts", "faulty-murmur")


@pytest.mark.parametrize("n_workers", [1, 2])
def test_the_first_sigterm_is_heard_while_a_backend_hangs_and_the_second_ends_the_run(tmp_path, n_workers):
    (tmp_path / "seeds.txt").write_text("".join(f"a line with the number {k}\n" for k in range(9)))
    orders = Orders(tmp_path / "orders")
    (tmp_path / "orders").mkdir()
    seeds, out = f"text:{tmp_path / 'seeds.txt'}", str(tmp_path / "run")
    call = ("generate", "--seeds", seeds, "--out", out, "--workers", str(n_workers), *FAULTY)
    with orders.give("sfx", "hang", write_caption(Seed("text/1", "a line with the number 0"))):
        driver = Command(tmp_path, *call, settings={FOLDER: str(tmp_path / "orders")})
        assert wait_while(driver.is_alive, lambda: orders.find_victim("sfx", "hang")), driver.wait()
        before = driver.read_stderr()
        os.kill(driver.pid, signal.SIGTERM)
        assert wait_while(driver.is_alive, lambda: driver.read_stderr() != before)
        while driver.is_alive():
            os.kill(driver.pid, signal.SIGTERM)
            driver.process.join(0.2)
    ended = driver.wait()
    assert ended.returncode == 130, ended.stderr
    assert "Traceback" not in ended.stderr
