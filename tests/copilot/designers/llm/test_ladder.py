import ast
import json

import pytest
from helpers.paths import ROOT
from hypothesis import given
from hypothesis import strategies as st

from copilot.designers.llm.exchange import Reply
from copilot.designers.llm.ladder import MAX_REPLY_CHARS, ReadReply, UnusableReply, is_truncated, read_reply
from copilot.designers.llm.replies import EditReply, StoryReply, make_whole_reply_model

STORY = {
    "description": "Rain on a tin roof",
    "user": "make me a rainy evening",
    "ambience": {"text": "steady rain", "loudness": -28, "panning": 0},
    "sounds": [
        {
            "role": "effect",
            "text": "a door creaks",
            "loudness": -15.5,
            "panning": 0.4,
            "start_time": 1,
            "duration": 2.5,
        }
    ],
}
TEXT = json.dumps(STORY)
MODELS = (StoryReply, EditReply, make_whole_reply_model(3))
CORPUS = ROOT / ".venv" / "broken-replies"


def stop(text):
    return Reply(text, "stop")


def test_strict_json_is_read_as_it_is():
    found = read_reply(StoryReply, stop(TEXT))
    assert isinstance(found, ReadReply)
    assert not found.repaired
    assert found.value.ambience.text == "steady rain"
    assert found.value.sounds[0].loudness == -15.5


def test_raw_control_characters_are_read_without_repair():
    found = read_reply(StoryReply, stop(TEXT.replace("steady rain", "steady\nrain\t")))
    assert isinstance(found, ReadReply)
    assert not found.repaired
    assert found.value.ambience.text == "steady\nrain\t"


@pytest.mark.parametrize(
    "text",
    [
        f"Sure! Here it is:\n```json\n{TEXT}\n```\nAnything else?",
        f"<think>The user wants {{rain}}, so [rain].</think>\n{TEXT}x",
        f"[THINK]The user wants {{rain.[/THINK]\n{TEXT}",
        f"[THINK]{TEXT}",
        f"Here is {{the}} scene: {TEXT} As {{you}} asked: {{}}.",
        f"A brace {{ too many, and {TEXT}",
        f'{{"result": {TEXT}}}',
        f'{{"status": "ok", "result": [{TEXT}]}}',
        f"[{TEXT}]",
        f'Here: {{"answer": {TEXT}}}!',
        TEXT.replace("]", ",]"),
        TEXT[:-1],
        TEXT.replace('"', "'"),
        TEXT.replace('"user"', "user"),
        TEXT.replace(', "user"', '\n"user"'),
        "// a scene\n" + TEXT,
    ],
    ids=[
        "fenced",
        "thoughts",
        "thoughts-in-brackets",
        "thoughts-without-end",
        "braces-around",
        "open-brace-before",
        "in-an-object",
        "in-an-object-with-more",
        "in-a-list",
        "in-an-object-in-words",
        "comma",
        "unclosed",
        "quotes",
        "bare-key",
        "no-comma",
        "comment",
    ],
)
def test_mended_json_is_read_and_told(text):
    found = read_reply(StoryReply, stop(text))
    assert isinstance(found, ReadReply)
    assert found.repaired
    assert found.value == StoryReply.model_validate(STORY)


@pytest.mark.parametrize(
    ("reply", "reason", "correctable"),
    [
        (Reply(TEXT, "length"), "truncated", False),
        (Reply('{"description":' + " " * 4000, "length"), "white-space-runaway", False),
        (Reply('{"description":' + "\n\t" * 4000, "length"), "white-space-runaway", False),
        (Reply("too long for 8192 tokens", "context-length"), "context-length", False),
        (Reply("the server's words", "content-refused"), "content-filter", False),
        (Reply(TEXT, "content_filter"), "content-filter", False),
        (Reply(TEXT, "refused"), "refused", False),
        (Reply("I am sorry, {that} is too much.", "refusal"), "model-refused", False),
        (Reply("The user wants rain.", "thoughts"), "thoughts-only", False),
        (Reply(TEXT[:-1], "tool_calls"), "unfinished", False),
        (Reply(TEXT[:-1], "unknown"), "unfinished", False),
        (Reply("[1]", "unknown"), "unfinished", False),
        (stop(""), "empty-reply", False),
        (stop(" \n "), "empty-reply", False),
        (stop("I am sorry, I cannot help with that."), "not-json", True),
        (stop("[1, 2"), "not-json", True),
        (stop(TEXT[: TEXT.index("tin roof")]), "cut-off", True),
        (stop(TEXT[: TEXT.index("a door")]), "cut-off", True),
        (stop(TEXT[: TEXT.index(".5, ")]), "cut-off", True),
        (stop(f"```json\n{TEXT[: TEXT.index('rainy')]}\n```"), "cut-off", True),
        (stop(f"[{TEXT}, {TEXT}]"), "schema", True),
        (stop("{" * 5000), "not-json", True),
        (stop("[" * 60000), "not-json", True),
        (stop("{'" * 30000), "not-json", True),
        (stop("{}" + "x" * MAX_REPLY_CHARS), "reply-too-long", False),
        (stop("[]"), "schema", True),
        (stop("null"), "schema", True),
        (stop("12"), "schema", True),
        (stop("1e999"), "schema", True),
        (stop("{}"), "schema", True),
    ],
)
def test_what_cannot_be_read_has_its_reason(reply, reason, correctable):
    found = read_reply(StoryReply, reply)
    assert isinstance(found, UnusableReply)
    assert (found.reason, found.correctable) == (reason, correctable)
    assert all(found.messages)


@pytest.mark.parametrize("ending", ["unknown", "tool_calls", "done"])
def test_whole_json_is_a_reply_whatever_the_server_calls_its_end(ending):
    assert read_reply(StoryReply, Reply(TEXT, ending)) == read_reply(StoryReply, stop(TEXT))


def test_only_a_truncated_reply_may_gain_from_a_larger_limit():
    assert is_truncated(Reply(TEXT, "length"))
    assert not is_truncated(Reply(" " * 300, "length"))
    assert not is_truncated(stop(TEXT))


def test_faults_of_the_schema_say_where_and_what():
    broken = json.loads(TEXT)
    broken["sounds"][0]["loudness"] = "loud"
    broken["mood"] = "calm"
    found = read_reply(StoryReply, stop(json.dumps(broken)))
    assert isinstance(found, UnusableReply)
    assert found.messages == (
        "sounds[0].loudness: input should be a valid number, not 'loud'",
        "mood: extra inputs are not permitted, not 'calm'",
    )


def test_of_very_many_faults_the_first_are_told():
    found = read_reply(StoryReply, stop(json.dumps({"sounds": [{"role": "effect"}] * 10})))
    assert isinstance(found, UnusableReply)
    assert len(found.messages) == 9
    assert found.messages[-1] == "and 45 more of the kind"


@given(st.sampled_from(MODELS), st.text(), st.sampled_from(["stop", "length", "abort", "context-length"]))
def test_no_text_raises(model, text, finish_reason):
    assert isinstance(read_reply(model, Reply(text, finish_reason)), ReadReply | UnusableReply)


@given(st.sampled_from(MODELS), st.text(alphabet="{}[]\",:\\'0123456789.eE-+ \n\ud800truefalsn/*`<think>"))
def test_no_text_of_the_signs_of_json_raises(model, text):
    assert isinstance(read_reply(model, stop(text)), ReadReply | UnusableReply)


@given(st.data())
def test_no_damage_to_a_good_reply_raises(data):
    text = TEXT
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 30)))
        text = text[:start] + data.draw(st.text(max_size=8)) + text[end:]
    assert isinstance(read_reply(StoryReply, stop(text)), ReadReply | UnusableReply)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.sampled_from(MODELS), st.data())
def test_no_json_value_in_any_field_raises(model, data):
    fields = {name: data.draw(JSON_VALUES) for name in model.model_fields if data.draw(st.booleans())}
    assert isinstance(read_reply(model, stop(json.dumps(fields))), ReadReply | UnusableReply)


def broken_replies():
    """What the tests of json-repair feed to it: replies that real models gave, and their like."""
    texts = []
    for path in sorted(CORPUS.glob("json_repair-*/tests/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            first = node.args[0]
            if called in {"repair_json", "loads"} and isinstance(first, ast.Constant):
                texts += [first.value] if isinstance(first.value, str) else []
    return texts


@pytest.mark.skipif(not CORPUS.exists(), reason="the broken replies come with the environment of `make test`")
def test_broken_replies_of_real_models_are_read_or_told():
    texts = broken_replies()
    assert len(texts) >= 200
    for text in texts:
        for model in MODELS:
            found = read_reply(model, stop(text))
            # None of them is about sounds: whatever could be mended ends at the form.
            assert isinstance(found, UnusableReply), text
            assert found.reason in {"not-json", "schema", "empty-reply", "cut-off"}, text


@pytest.mark.skipif(not CORPUS.exists(), reason="the broken replies come with the environment of `make test`")
def test_a_broken_reply_inside_a_field_stays_there():
    for text in broken_replies():
        found = read_reply(StoryReply, stop(json.dumps({**STORY, "user": text})))
        assert isinstance(found, ReadReply), text
        assert found.value.user == text
