"""The index of a library: layouts, rows that cannot be used, licences."""

from __future__ import annotations

import json

import pytest

from copilot.errors import UserError
from renderers.library.index import filter_licences, filter_splits, read_index
from renderers.library.licences import accepts, normalise_licence


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(folder, files, name=None):
    return read_index(write(folder, files), name)


def test_a_csv_says_file_text_and_rights(tmp_path):
    header = "\ufeffFile,caption,label,tags,licence,author,source,kind\n"
    row = 'a.wav,"Rain, heavy",Heavy_rain,"wet,loud",CC0,Ann,http://x,Texture\n'
    (one,) = read(tmp_path, {"index.csv": header + row, "a.wav": "sound"}).recordings
    assert (one.file, one.text) == ("a.wav", "Rain heavy Heavy rain wet loud")
    assert (one.licence, one.author, one.source, one.kind) == ("CC0", "Ann", "http://x", "texture")


def test_json_lines_say_the_same(tmp_path):
    row = {"file": "sub/a.wav", "tags": ["dog", "bark"], "license": "CC-BY", "fold": 1, "kind": None}
    (one,) = read(tmp_path, {"index.jsonl": json.dumps(row), "sub/a.wav": "sound"}).recordings
    assert (one.file, one.text, one.licence, one.kind) == ("sub/a.wav", "dog bark", "CC-BY", None)


def test_esc_50_is_read_as_it_is(tmp_path):
    index = read(
        tmp_path,
        {
            "meta/esc50.csv": "filename,fold,target,category,esc10,src_file,take\n"
            "1-17150-A.wav,1,12,crackling_fire,True,17150,A\n1-9-B.wav,1,0,dog,False,9,B\n",
            "audio/1-17150-A.wav": "x",
            "audio/1-9-B.wav": "y",
            "LICENSE": "# Clips\n- [1-9-B.ogg]: clip derived from My (best) dog.wav "
            "(http://example.org/9/) by Ann B. [CC-BY]\n",
        },
    )
    fire, dog = index.recordings
    assert (fire.file, fire.text, fire.licence) == ("audio/1-17150-A.wav", "crackling fire", "")
    assert (dog.licence, dog.author, dog.source) == ("CC-BY", "Ann B.", "http://example.org/9/")


def test_fsd50k_is_read_as_it_is(tmp_path):
    info = {"64760": {"title": "t", "tags": ["x"], "license": "http://creativecommons.org/licenses/by/3.0/"}}
    (one,) = read(
        tmp_path,
        {
            "FSD50K.ground_truth/dev.csv": "fname,labels,mids,split\n"
            '64760,"Electric_guitar,Guitar","/m/1,/m/2",train\n',
            "FSD50K.dev_audio/64760.wav": "x",
            "FSD50K.metadata/dev_clips_info_FSD50K.json": json.dumps(info),
        },
    ).recordings
    assert (one.file, one.text) == ("FSD50K.dev_audio/64760.wav", "Electric guitar Guitar")
    assert normalise_licence(one.licence) == "CC-BY-3.0"


def test_clotho_is_read_as_it_is(tmp_path):
    metadata = (
        "file_name,keywords,sound_link,manufacturer,license\n\u00e9.wav,k,l,Z,L\nA b.wav,k,http://l,Ben,CC0\n"
    )
    (one,) = read(
        tmp_path,
        {
            "clotho_captions_development.csv": "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n"
            "A b.wav,Rain falls.,It rains.,Drops.,Water.,Wet.\n",
            "clotho_metadata_development.csv": metadata.encode("latin-1"),
            "development/A b.wav": "x",
        },
    ).recordings
    assert (one.file, one.text) == ("development/A b.wav", "Rain falls. It rains. Drops. Water. Wet.")
    assert (one.author, one.source, one.licence) == ("Ben", "http://l", "CC0")


CLOTHO = {
    "clotho_captions_development.csv": "file_name,caption_1\nA b.wav,Rain falls.\n",
    "development/A b.wav": "x",
}


@pytest.mark.parametrize(
    "metadata",
    [
        "\ufefffile_name,license\nA b.wav,CC0\n".encode(),
        b"file_name;license\r\nA b.wav;CC0\r\n",
        b"License\tFile_name\rCC0\tA b.wav\r",
        "file_name,license\nA b.wav,CC0\n".encode("utf-16"),
        b'file_name,license\nx.wav,"CC0\nA b.wav,CC0\n',
    ],
)
def test_a_second_table_is_read_as_the_first_one(tmp_path, metadata):
    (one,) = read(tmp_path, {**CLOTHO, "clotho_metadata_development.csv": metadata}).recordings
    assert one.licence == "CC0"


@pytest.mark.parametrize("metadata", ["", "name,license\nA b.wav,CC0\n", "file_name,rights\nA b.wav,CC0\n"])
def test_a_second_table_without_its_columns_is_the_users_mistake(tmp_path, metadata):
    with pytest.raises(UserError, match="clotho_metadata_development") as caught:
        read(tmp_path, {**CLOTHO, "clotho_metadata_development.csv": metadata})
    assert caught.value.field == "sfx"


@pytest.mark.parametrize(
    "content",
    [
        "file;caption\na.wav;Rain, heavy\n".encode("utf-16"),
        "file\tcaption\na.wav\tRain, heavy\n".encode("utf-16-le"),
        "file\tcaption\na.wav\tRain, heavy\n".encode("utf-16-be"),
        b"file;caption\ra.wav;Rain, heavy\r",
    ],
)
def test_a_table_of_any_spreadsheet_is_read(tmp_path, content):
    index = read(tmp_path, {"index.csv": content, "a.wav": "x"})
    assert [(one.file, one.text) for one in index.recordings] == [("a.wav", "Rain heavy")]
    assert index.problems == ()


def test_two_columns_of_one_name_are_the_users_mistake(tmp_path):
    with pytest.raises(UserError, match="two columns caption") as caught:
        read(tmp_path, {"index.csv": "file,caption,Caption\na.wav,rain,sea\n", "a.wav": "x"})
    assert caught.value.field == "sfx"


def test_a_damaged_utf_16_table_is_the_users_mistake(tmp_path):
    with pytest.raises(UserError, match="UTF-16") as caught:
        read(tmp_path, {"index.csv": "file,caption\n".encode("utf-16") + b"\x00", "a.wav": "x"})
    assert caught.value.field == "sfx"


def test_two_blanks_in_a_name_are_two(tmp_path):
    files = {"a  b.wav": "x", "a b.wav": "y", "index.csv": "file,label\na  b.wav,rain\na b.wav,sea\n"}
    there = {one.text: one.file for one in read(tmp_path, files).recordings}
    assert there == {"rain": "a  b.wav", "sea": "a b.wav"}


def test_rows_that_spell_one_file_differently_are_one_recording(tmp_path):
    files = {"sub/\u00e9.wav": "x", "index.csv": "file,label\nsub/e\u0301.wav,rain\nSub\\\u00c9.WAV,wet\n"}
    (one,) = read(tmp_path, files).recordings
    assert (one.file, one.text) == ("sub/\u00e9.wav", "rain wet")


def test_each_bad_row_is_reported_and_spoils_no_other(tmp_path):
    rows = [
        b"good.wav,rain,",
        b"missing.wav,rain,",
        b"good.wav,,",
        b",rain,",
        b"../out.wav,rain,",
        b"/etc/passwd,rain,",
        b'good.wav,"rain,',
        b"good.wav,\xff,",
        b"good.wav,rain,,more",
        b"good.wav,rain,both",
        b"empty.wav,rain,",
        b"a\x00b.wav,rain,",
        b"also.wav,sea,event",
    ]
    content = b"file,label,kind\n" + b"\n".join(rows)
    write(tmp_path.parent, {"out.wav": "x"})
    index = read(tmp_path, {"index.csv": content, "good.wav": "x", "also.wav": "y", "empty.wav": ""})
    assert [recording.file for recording in index.recordings] == ["also.wav", "good.wav"]
    assert [problem.partition(" (")[0] for problem in index.problems] == [
        "index.csv:3: file missing.wav not found",
        "index.csv:4: good.wav: no caption or label",
        "index.csv:5: no file",
        "index.csv:6: ../out.wav lies outside the folder",
        "index.csv:7: /etc/passwd lies outside the folder",
        "index.csv:8: not CSV",
        "index.csv:9: not UTF-8",
        "index.csv:10: 4 columns, but the first line has 3; quote a text that holds a comma",
        "index.csv:11: good.wav: kind 'both'; expected texture or event",
        "index.csv:12: empty.wav is empty",
        "index.csv:13: file a\x00b.wav not found",
    ]


def test_bad_lines_of_json_are_reported(tmp_path):
    lines = '{"file": "a.wav", "label": "x"}\n[1]\n{"file": \n{"file": 7, "label": true}\n'
    index = read(tmp_path, {"index.jsonl": lines, "a.wav": "x"})
    assert [problem.partition(" (")[0] for problem in index.problems] == [
        "index.jsonl:2: not a JSON object",
        "index.jsonl:3: not JSON",
        "index.jsonl:4: 7: no caption or label",
    ]


def test_rows_of_one_file_are_one_recording_and_their_order_is_nothing(tmp_path):
    files = {"a.wav": "x", "b.wav": "y"}
    there = read(tmp_path / "1", {**files, "index.csv": "file,caption\nb.wav,sea\na.wav,rain\na.wav,wet\n"})
    other = read(tmp_path / "2", {**files, "index.csv": "file,caption\na.wav,wet\na.wav,rain\nb.wav,sea\n"})
    assert there.recordings == other.recordings
    assert [recording.text for recording in there.recordings] == ["rain wet", "sea"]


@pytest.mark.parametrize(
    ("files", "name", "message"),
    [
        ({"x": ""}, None, r"no index.csv, index.jsonl, .*begins: file,caption,licence,author,source"),
        ({"x": ""}, "mine.csv", r"no index mine.csv"),
        ({"index.csv": ""}, None, r"no column file in the first line"),
        ({"index.csv": "file,what\n"}, None, r"no column caption or label"),
        ({"index.csv": "file,label\n"}, None, r"no row can be used \(there are no rows\)"),
        (
            {"index.csv": "file,label\na.wav,b\n"},
            None,
            r"\(index.csv:2: file a.wav not found\); expected rec",
        ),
    ],
)
def test_a_folder_without_recordings_is_reported(tmp_path, files, name, message):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, files, name)
    assert caught.value.field == "sfx"


def test_no_folder_is_reported(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        read_index(tmp_path / "none")


def test_an_index_of_another_name(tmp_path):
    files = {"index.csv": "file,label\na.wav,a\n", "mine.csv": "file,label\na.wav,b\n", "a.wav": "x"}
    assert read(tmp_path, files, "mine.csv").recordings[0].text == "b"


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("CC0", "CC0"),
        ("cc-0", "CC0"),
        ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0"),
        ("Creative Commons 0", "CC0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0"),
        ("CC BY 4.0", "CC-BY-4.0"),
        ("CC-BY", "CC-BY"),
        ("cc_by_4", "CC-BY-4.0"),
        ("Attribution", "CC-BY"),
        ("http://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
        ("https://creativecommons.org/licenses/by/3.0/us/", "CC-BY-3.0"),
        ("Creative Commons Attribution 4.0 International Public License", "CC-BY-4.0"),
        ("Attribution Noncommercial", "CC-BY-NC"),
        ("Attribution-NonCommercial-ShareAlike 3.0", "CC-BY-NC-SA-3.0"),
        ("Attribution Non-Commercial No Derivatives", "CC-BY-NC-ND"),
        ("http://creativecommons.org/licenses/by-nc/3.0/", "CC-BY-NC-3.0"),
        ("http://creativecommons.org/licenses/sampling+/1.0/", "CC-SAMPLING+-1.0"),
        ("CC-Sampling+", "CC-SAMPLING+"),
        ("Public Domain", "PUBLIC-DOMAIN"),
        ("recorded by  me", "RECORDED BY ME"),
        ("Freesound 0", "FREESOUND 0"),
        ("", ""),
    ],
)
def test_licences_by_their_usual_names(told, name):
    assert normalise_licence(told) == name
    assert normalise_licence(name) == name


def test_a_licence_is_accepted_in_any_version_but_with_no_other_clause():
    given = ["CC BY 3.0", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-SA", "CC0", "by request", "", "Attribution"]
    assert [licence for licence in given if accepts("CC-BY", licence)] == [
        "CC BY 3.0",
        "CC-BY-4.0",
        "Attribution",
    ]
    assert [licence for licence in given if accepts("cc-by 4.0", licence)] == ["CC-BY-4.0"]
    assert not any(accepts("", licence) for licence in given)


def test_licences_limit_the_choice_or_say_which_there_are(tmp_path):
    rows = "a.wav,x,CC0\nb.wav,x,CC BY 4.0\nc.wav,x,Attribution NonCommercial\nd.wav,x,\n"
    index = read(tmp_path, {"index.csv": "file,label,licence\n" + rows, **{f"{n}.wav": n for n in "abcd"}})
    left = filter_licences(index, ("CC-BY", "CC0")).recordings
    assert [recording.file for recording in left] == ["a.wav", "b.wav"]
    with pytest.raises(
        UserError,
        match=r"under CC-BY-SA; available: CC-BY-4.0 \(1\), CC-BY-NC \(1\), CC0 \(1\), not stated \(1\)",
    ):
        filter_licences(index, ("CC-BY-SA",))


SPLITS = {
    **{f"{name}.wav": "x" for name in "abcde"},
    "index.csv": "file,label,split\na.wav,a,train\nb.wav,b,val\nc.wav,c,Test\nd.wav,d,\n"
    "e.wav,e,train\ne.wav,f,eval\n",
}


def files(index):
    return [recording.file for recording in index.recordings]


def test_splits_that_models_are_measured_on_are_left_out_and_named(tmp_path):
    index = filter_splits(read(tmp_path, SPLITS), None)
    assert files(index) == ["a.wav", "d.wav"]
    assert [problem.partition(",")[0] for problem in index.problems] == [
        "2 recordings of the evaluation split",
        "1 recording of the validation split",
    ]


def test_a_split_is_used_if_it_is_named(tmp_path):
    index = read(tmp_path, SPLITS)
    assert files(filter_splits(index, ["evaluation"])) == ["c.wav", "e.wav"]
    assert files(filter_splits(index, ["train", "validation"])) == ["a.wav", "b.wav"]
    with pytest.raises(UserError, match=r"evaluation \(2\), not stated \(1\)") as caught:
        filter_splits(index, ["third"])
    assert caught.value.field == "sfx"


@pytest.mark.parametrize(
    ("index", "file", "row"),
    [
        ("FSD50K.ground_truth/eval.csv", "FSD50K.eval_audio/7.wav", "fname,labels,mids\n7,Bell,/m/1\n"),
        ("clotho_captions_evaluation.csv", "evaluation/7.wav", "file_name,caption_1\n7.wav,A bell.\n"),
        ("clotho_captions_validation.csv", "validation/7.wav", "file_name,caption_1\n7.wav,A bell.\n"),
    ],
)
def test_the_evaluation_part_of_a_data_set_has_to_be_asked_for(tmp_path, index, file, row):
    found = read(tmp_path, {index: row, file: "x"})
    assert files(found) == [file]
    with pytest.raises(UserError) as caught:
        filter_splits(found, None)
    assert caught.value.field == "sfx"
    assert files(filter_splits(found, [found.recordings[0].split])) == [file]
