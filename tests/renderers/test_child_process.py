from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest
from helpers.processes import needs_pidfd, wait_for_exit

from renderers import child_process as worker
from renderers.child_process import ChildDiedError, ChildProcess, ChildStartError, ChildTimeoutError

CHILD = """
import json, os, pathlib, signal, sys
def send(header, payload=b""):
    sys.stdout.buffer.write(json.dumps({**header, "n_bytes": len(payload)}).encode() + b"\\n" + payload)
    sys.stdout.buffer.flush()
send({"hello": "ready"})
for line in sys.stdin:
    request = json.loads(line)
    match request["do"]:
        case "echo":
            send({"length": len(request["text"])}, request["text"].encode())
        case "die":
            print("a last gasp", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        case "fail once":
            marker = pathlib.Path(request["marker"])
            if not marker.exists():
                marker.touch()
                sys.exit("not yet")
            send({"second": True})
        case "fork":
            pid = os.fork()
            if pid == 0:
                signal.pause()
            send({"pid": pid})
        case "hang":
            signal.pause()
        case "babble":
            print("neither JSON nor an object", flush=True)
        case "dots":
            while True:
                os.write(1, b"." * request["at_once"])
"""


@pytest.fixture
def child():
    process = ChildProcess("child", [sys.executable, "-I", "-S", "-c", CHILD], deadline_s=30.0)
    yield process
    process.close()


def test_greets_once_and_answers_with_header_and_bytes(child):
    assert child.start()["hello"] == "ready"
    pid = child.pid
    answer = child.ask({"do": "echo", "text": "line\nbreak \N{SNOWMAN}"})
    assert (answer.header["length"], answer.payload) == (12, "line\nbreak \N{SNOWMAN}".encode())
    assert child.ask({"do": "echo", "text": ""}).payload == b""
    assert child.pid == pid


def test_carries_more_than_a_pipe_holds_in_both_directions(child):
    text = "0123456789" * 100_000
    assert child.ask({"do": "echo", "text": text}).payload == text.encode()


def test_child_killed_between_requests_is_replaced(child):
    child.start()
    first = child.pid
    os.kill(first, signal.SIGKILL)
    assert child.ask({"do": "echo", "text": "on"}).payload == b"on"
    assert child.pid != first


def test_request_is_repeated_once_after_a_death(child, tmp_path):
    answer = child.ask({"do": "fail once", "marker": str(tmp_path / "marker")})
    assert answer.header["second"] is True


def test_second_death_of_a_request_is_an_error_with_the_last_words(child):
    with pytest.raises(ChildDiedError) as caught:
        child.ask({"do": "die"})
    assert (
        str(caught.value) == "child: the child closed its stdout; ended by signal 9; last words: a last gasp"
    )
    assert child.ask({"do": "echo", "text": "next"}).payload == b"next"


def test_nonsense_for_an_answer_is_an_error(child):
    with pytest.raises(ChildDiedError, match=r"^child: the child's answer is not a JSON object; "):
        child.ask({"do": "babble"})


def test_hanging_child_is_killed_at_the_deadline_and_replaced(child):
    child.start()
    first = child.pid
    child._deadline_s = 0.1
    with pytest.raises(ChildTimeoutError) as caught:
        child.ask({"do": "hang"})
    assert str(caught.value) == "child: no answer within 0.1 s; ended by signal 9"
    assert not psutil.pid_exists(first)
    child._deadline_s = 30.0
    assert child.ask({"do": "echo", "text": "next"}).payload == b"next"


def test_a_child_that_keeps_writing_is_killed_at_the_deadline(child):
    child.start()
    with pytest.raises(ChildTimeoutError, match=r"^child: no answer within 0\.1 s; ended by signal 9$"):
        child.ask({"do": "dots", "at_once": 1}, deadline_s=0.1)


def test_a_line_without_an_end_is_nonsense(child):
    with pytest.raises(
        ChildDiedError, match=r"the child's answer is a line without an end; it wrote '\.+'; "
    ):
        child.ask({"do": "dots", "at_once": 1 << 20})


@needs_pidfd
def test_what_the_child_has_started_ends_with_it(child):
    grandchild = child.ask({"do": "fork"}).header["pid"]
    child.close()
    assert wait_for_exit(grandchild)


def test_interrupted_answer_is_not_the_next_one(child, monkeypatch):
    child.start()

    def interrupt(_fd):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(worker, "_read", interrupt)
        with pytest.raises(KeyboardInterrupt):
            child.ask({"do": "echo", "text": "old"})
    assert child.ask({"do": "echo", "text": "new"}).payload == b"new"


def test_child_that_ends_at_its_start_tells_why():
    with pytest.raises(ChildStartError) as caught:
        ChildProcess("child", [sys.executable, "-c", "raise SystemExit('no library')"]).start()
    assert str(caught.value) == (
        "child: cannot start: the child closed its stdout; exit status 1; last words: no library"
    )


def test_command_that_does_not_exist_is_a_start_error(tmp_path):
    with pytest.raises(ChildStartError, match=r"^child: cannot start .*/absent: "):
        ChildProcess("child", [str(tmp_path / "absent")]).ask({})


def test_close_reaps_the_child_and_leaks_no_file(child):
    this_process = psutil.Process()
    n_before = this_process.num_fds()
    child.start()
    pid = child.pid
    child.close()
    child.close()
    assert child.pid is None
    assert not psutil.pid_exists(pid)
    assert this_process.num_fds() == n_before


@needs_pidfd
def test_child_ends_when_its_parent_is_killed():
    parent = f"""
import os, signal, sys
from renderers.child_process import ChildProcess
child = ChildProcess("child", [sys.executable, "-I", "-S", "-c", {CHILD!r}])
child.start()
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert wait_for_exit(int(done.stdout))
