"""The process of espeak-ng: each request is spoken in a child that is forked from a pristine library.

espeak-ng is not thread-safe, and each utterance changes the next ones, even after `espeak_Terminate` and with
its random numbers seeded again. Here the library is initialised once and then only
copied: every utterance gets a fork of that same state, so that equal requests give equal bytes in any order.

Run as a script, without the project on its path: `engine_process.py LIBRARY DATA TIME_LIMIT_S`.
Protocol: `renderers.child_process`. A request has `text`, `voice`, `rate_wpm`, `pitch`, `pitch_range` and
`volume`; its answer has `words`, a list of [character index in the text, sample], and 16 bit mono samples in
the machine's byte order, or `error`.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
from typing import IO, Any

_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_UTF8 = 1  # and neither SSML (0x10) nor phoneme input (0x100)
_BY_CHARACTER = 1
_WORD_EVENT = 1
_RANDOM_SEED = 1  # of breath and flutter; the library would take the clock
_PARAMETERS = {"rate_wpm": 1, "volume": 2, "pitch": 3, "pitch_range": 4}


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Speech:
    """A collector of the samples and events that the library gives to its callback."""

    def __init__(self) -> None:
        self.samples = bytearray()
        self.words: list[tuple[int, int]] = []
        self.callback = _Callback(self._collect)

    def _collect(self, samples: Any, n_samples: int, events: Any) -> int:  # noqa: ANN401 - ctypes pointers
        if samples and n_samples > 0:
            self.samples += ctypes.string_at(samples, 2 * n_samples)
        index = 0
        while (event := events[index]).type != 0:
            if event.type == _WORD_EVENT:
                self.words.append((max(event.text_position - 1, 0), event.sample))
            index += 1
        return 0


def speak(library: ctypes.CDLL, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Speak one request. Changes the library's state: only for a process that ends afterwards."""
    if library.espeak_SetVoiceByName(request["voice"].encode()) != 0:
        return {"error": f"espeak-ng has no voice {request['voice']}"}, b""
    for name, number in _PARAMETERS.items():
        library.espeak_SetParameter(number, request[name], 0)
    library.espeak_ng_SetRandSeed(ctypes.c_long(_RANDOM_SEED))
    speech = _Speech()
    library.espeak_SetSynthCallback(speech.callback)
    text = ctypes.create_string_buffer(request["text"].encode())
    status = library.espeak_Synth(text, ctypes.sizeof(text), 0, _BY_CHARACTER, 0, _UTF8, None, None)
    if status != 0:
        return {"error": f"espeak_Synth gave status {status}"}, b""
    return {"words": speech.words}, bytes(speech.samples)


def send(answers: IO[bytes], header: dict[str, Any], payload: bytes = b"") -> None:
    """Write one answer: its line, then its bytes."""
    answers.write(json.dumps({**header, "n_bytes": len(payload)}).encode() + b"\n" + payload)
    answers.flush()


def initialise(path: str, data: str) -> tuple[ctypes.CDLL, dict[str, Any]]:
    """Return the library, ready to speak, and the greeting. Raises RuntimeError, OSError."""
    library = ctypes.CDLL(path)
    # A path of 160 bytes overruns the library's buffer, a relative one is always short.
    os.chdir(data)
    rate_hz = library.espeak_Initialize(_SYNCHRONOUS, 0, b".", _DONT_EXIT)
    if rate_hz <= 0:
        raise RuntimeError(f"espeak_Initialize gave {rate_hz} for the data in {data}")
    library.espeak_Info.restype = ctypes.c_char_p
    return library, {"version": library.espeak_Info(None).decode(), "rate_hz": rate_hz}


def main() -> int:
    """Answer requests until stdin ends. Ends with an error, and its message, if a forked child fails."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # prints of the library must not get among the answers
    library, greeting = initialise(sys.argv[1], sys.argv[2])
    time_limit_s = int(sys.argv[3])
    send(answers, greeting)
    gc.freeze()  # the collector would touch, and so copy, every page that the children share
    while line := sys.stdin.buffer.readline():
        pid = os.fork()
        if pid == 0:
            signal.alarm(time_limit_s)  # ends a hanging utterance even if the parent is gone
            send(answers, *speak(library, json.loads(line)))
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status != 0:
            print(f"the utterance ended with status {status}", file=sys.stderr)  # noqa: T201
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
