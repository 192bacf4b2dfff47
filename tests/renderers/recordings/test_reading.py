"""Recordings whose headers are wrong about their length, in every container that is read."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile as sf

from renderers.recordings.reading import UnreadableError, find_parts, read_recording

RATE_HZ = 16_000
N_SAMPLES = 24_000
SOUND = (0.1 * np.random.default_rng(7).standard_normal(N_SAMPLES)).astype(np.float32)
CONTAINERS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3")
CHUNKED = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF")


def encode(container, subtype=None, sound=SOUND, **options):
    buffer = io.BytesIO()
    sf.write(buffer, sound, RATE_HZ, format=container, subtype=subtype, **options)
    return buffer.getvalue()


def expected(container):
    return sf.read(io.BytesIO(encode(container)), dtype="float32", always_2d=True)[0].T


def replace(data, at, form, *values):
    return data[:at] + struct.pack(form, *values) + data[at + struct.calcsize(form) :]


def tell(container, n_samples):
    """The file, whose header tells another number of 16-bit samples; -1 is the longest length."""
    data = encode(container)
    n_bytes = 2 * n_samples
    if container in {"WAV", "WAVEX"}:
        told = 0xFFFFFFFF if n_samples < 0 else n_bytes
        return replace(
            replace(data, data.index(b"data") + 4, "<I", told), 4, "<I", min(told + 36, 0xFFFFFFFF)
        )
    if container == "RF64":
        return replace(data, data.index(b"ds64") + 16, "<Q", 2**63 - 1 if n_samples < 0 else n_bytes)
    if container == "W64":
        return replace(data, data.index(b"data") + 16, "<Q", 2**63 - 1 if n_samples < 0 else n_bytes + 24)
    if container == "AIFF":
        return replace(data, data.index(b"SSND") + 4, ">I", 0xFFFFFFFF if n_samples < 0 else n_bytes + 8)
    if container == "AU":
        return replace(data, 8, ">I", 0xFFFFFFFF if n_samples < 0 else n_bytes)
    if container == "CAF":
        return replace(data, data.index(b"data") + 4, ">q", -1 if n_samples < 0 else n_bytes + 4)
    if container == "FLAC":
        fields = int.from_bytes(data[18:26], "big") >> 36 << 36
        return replace(data, 18, ">Q", fields | (2**36 - 1 if n_samples < 0 else n_samples))
    assert container == "MP3"
    return replace(data, data.index(b"Xing") + 8, ">I", n_samples // 576)


@pytest.mark.parametrize("container", CONTAINERS)
def test_an_intact_file_is_read_as_it_is(container, tmp_path):
    data = encode(container)
    path = tmp_path / "a"
    path.write_bytes(data)
    assert find_parts(path) is None
    for source in (path, data):
        audio, rate_hz = read_recording(source)
        np.testing.assert_array_equal(audio, expected(container))
        assert rate_hz == RATE_HZ


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_24", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM", "GSM610"]
)
def test_a_wav_of_any_coding_is_read_as_it_is(subtype, tmp_path):
    (tmp_path / "a").write_bytes(encode("WAV", subtype))
    assert find_parts(tmp_path / "a") is None


@pytest.mark.parametrize("container", [*CHUNKED, "FLAC", "MP3"])
@pytest.mark.parametrize("n_samples", [0, 1_200])
def test_a_length_of_nothing_or_of_the_first_piece_is_corrected(container, n_samples, tmp_path):
    data = tell(container, n_samples)
    path = tmp_path / "a"
    path.write_bytes(data)
    assert find_parts(path) is not None
    for source in (path, data):
        audio, _ = read_recording(source)
        # Without the count of an MP3 the decoder does not know the silence that the encoder has added.
        if container == "MP3":
            assert N_SAMPLES <= audio.shape[1] <= N_SAMPLES + 2_000
        else:
            np.testing.assert_array_equal(audio, expected(container))


@pytest.mark.parametrize("container", CHUNKED)
def test_a_placeholder_stands_for_all_that_is_there(container):
    np.testing.assert_array_equal(read_recording(tell(container, -1))[0], expected(container))


@pytest.mark.parametrize("told", [0, 0xFFFFFFFF - 36, 0x7FFFFFFF, 0x7FFFF000, 2_000_000_000])
@pytest.mark.parametrize("before", [b"", b"LIST\x03\x00\x00\x00abc\x00"], ids=["plain", "odd chunk"])
def test_the_placeholders_of_many_programs(told, before):
    data = encode("WAV")
    streamed = data[:36] + before + b"data" + struct.pack("<I", told) + data[44:] + b"\x01"
    np.testing.assert_array_equal(read_recording(streamed)[0], expected("WAV"))


@pytest.mark.parametrize("container", [*CHUNKED, "FLAC", "MP3"])
def test_a_length_of_more_than_there_is_means_that_the_end_is_missing(container):
    with pytest.raises(UnreadableError, match="cut off"):
        read_recording(tell(container, 2 * N_SAMPLES))


@pytest.mark.parametrize("container", CONTAINERS)
def test_half_a_file_is_cut_off(container):
    data = encode(container)
    with pytest.raises(UnreadableError, match="cut off"):
        read_recording(data[: len(data) // 2])


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("behind", [bytes(9_000), b"TAG" + bytes(125), b"ID3\x04\x00\x00" + b"x" * 9_000])
def test_zeros_and_tags_behind_the_sound_are_not_sound(container, behind):
    np.testing.assert_array_equal(read_recording(encode(container) + behind)[0], expected(container))


def test_chunks_behind_the_sound_are_not_sound(tmp_path):
    chunk = b"LIST" + struct.pack("<I", 9_001) + b"\x11" * 9_001
    path = tmp_path / "a"
    path.write_bytes(encode("WAV") + chunk + b"\0" + chunk)
    assert find_parts(path) is None


def test_a_file_without_sound_is_empty():
    for data in (encode("WAV", sound=SOUND[:0]), encode("WAV", sound=SOUND[:0]) + b"LIST\x02\x00\x00\x00ab"):
        with pytest.raises(UnreadableError, match="is empty"):
            read_recording(data)


@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
def test_wav_files_one_behind_another_are_one_recording(container):
    one, two = encode(container, sound=SOUND[:1_001]), encode(container, sound=SOUND[1_001:])
    np.testing.assert_array_equal(read_recording(one + two)[0], expected(container))


def test_more_wav_files_one_behind_another_than_python_nests_calls_are_one_recording(tmp_path):
    path = tmp_path / "many.wav"
    path.write_bytes(b"".join(encode("WAV", sound=part) for part in SOUND[:2_200].reshape(1_100, 2)))
    np.testing.assert_array_equal(read_recording(path)[0], expected("WAV")[:, :2_200])


def test_a_wav_of_several_pieces_is_one_recording():
    one, two = (encode("WAV", sound=part)[36:] for part in (SOUND[:1_001], SOUND[1_001:]))
    head = encode("WAV")[:36]
    pieces = head + one + b"LIST" + struct.pack("<I", 4) + b"abcd" + two + b"LIST" + struct.pack("<I", 0)
    np.testing.assert_array_equal(read_recording(pieces)[0], expected("WAV"))


@pytest.mark.parametrize(
    "second", [encode("WAV", "PCM_24"), encode("WAV", sound=np.stack([SOUND, SOUND], axis=1))]
)
def test_wav_files_of_two_formats_are_refused(second):
    with pytest.raises(UnreadableError, match="another file"):
        read_recording(encode("WAV") + second)


@pytest.mark.parametrize("container", ["AIFF", "AU", "CAF", "W64", "OGG"])
def test_other_files_one_behind_another_are_refused(container):
    with pytest.raises(UnreadableError, match="from byte"):
        read_recording(2 * encode(container))


def test_an_mp3_without_a_count_is_read_to_its_end():
    data = encode("MP3")
    at = data.index(b"Xing")
    audio, _ = read_recording(data[:at] + bytes(4) + data[at + 4 :])
    assert N_SAMPLES <= audio.shape[1] <= N_SAMPLES + 3_000


@pytest.mark.parametrize("n_told", [0, 43])
def test_the_table_of_another_encoder_of_mp3_is_passed_over(n_told):
    data = encode("MP3")
    n_frame = data.index(b"\xff\xf3", 4)
    table = data[:4] + bytes(32) + b"VBRI" + bytes(10) + struct.pack(">I", n_told)
    audio, _ = read_recording(table.ljust(n_frame, b"\0") + data[n_frame:])
    assert N_SAMPLES <= audio.shape[1] <= N_SAMPLES + 3_000


def test_an_mp3_behind_a_tag_is_counted_too():
    tag = b"ID3\x04\x00\x00\x00\x00\x0f\x00" + bytes(15 * 128)
    np.testing.assert_array_equal(read_recording(tag + encode("MP3"))[0], expected("MP3"))
    audio, _ = read_recording(tag + tell("MP3", 576))
    assert audio.shape == (1, N_SAMPLES)


def test_an_ogg_whose_times_run_backwards_is_damaged():
    data = encode("OGG")
    with pytest.raises(UnreadableError, match="backwards"):
        read_recording(replace(data, data.rindex(b"OggS") + 6, "<Q", 1))


@pytest.mark.parametrize("rate_hz", [0, 1, 999, 2_000_000, 2**31])
def test_a_sample_rate_that_cannot_be_is_refused(rate_hz):
    with pytest.raises(UnreadableError):
        read_recording(replace(encode("WAV"), 24, "<I", rate_hz))


@pytest.mark.parametrize("n_channels", [0, 65, 1_000])
def test_a_number_of_channels_that_cannot_be_is_refused(n_channels):
    with pytest.raises(UnreadableError):
        read_recording(replace(encode("WAV"), 22, "<H", n_channels))


@pytest.mark.parametrize(
    "data", [b"", b"no sound", b"RIFF", b"RIFF1234WAVEdata", b"fLaC....", b"OggS", b"ID3", b"\xff\xfb"]
)
def test_other_bytes_are_not_a_sound(data, tmp_path):
    (tmp_path / "a.raw").write_bytes(data)
    for source in (data, tmp_path / "a.raw", tmp_path / "none"):
        with pytest.raises(UnreadableError):
            read_recording(source)
