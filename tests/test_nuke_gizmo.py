"""The text of the node: what Nuke reads, checked without Nuke."""

# ruff: noqa: F401, F811

import re

import pytest

from nuke import _tables
from nuke._expressions import evaluate
from nuke._words import words
from nuke_host import host, nuke, state, workers
from relamp.core.node import knobs as node_knobs
from relamp.nuke_plugin import gizmo, script


@pytest.fixture(params=["group", "gizmo", "paste"])
def text(request):
    return {"group": gizmo.group, "gizmo": gizmo.gizmo_file, "paste": gizmo.paste_file}[request.param]()


def user_knobs(text: str) -> list[list[str]]:
    return [
        words(line.strip()[len("addUserKnob {") : -1])[0]
        for line in text.splitlines()
        if line.startswith(" addUserKnob")
    ]


def test_braces_and_quotes_balance_and_groups_end(text):
    rows = words(text, lines=True)
    assert [row[0] for row in rows].count("end_group") == 1
    assert {row[0] for row in rows} - {"set", "push", "version", "add_layer", "end_group"} <= set(_tables.KNOBS)


def test_every_user_knob_is_of_a_known_kind_and_named_once(text):
    found = user_knobs(text)
    assert {int(row[0]) for row in found} <= set(_tables.USER)
    names = [row[1] for row in found]
    assert len(set(names)) == len(names)
    assert not gizmo.RESERVED & set(names)
    assert all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in names)


def test_every_declared_and_own_knob_is_there(text):
    names = {row[1] for row in user_knobs(text)}
    for knob in node_knobs.all_knobs():
        choices = knob.choices if knob.kind == "flags" else [""]
        assert {gizmo.knob_name(knob.name, choice) for choice in choices} <= names


def test_inputs_are_numbered_once_each_and_every_node_once(text):
    inside = [row for row in words(text, lines=True) if row[0] in _tables.KNOBS][1:]
    numbers, names = [], []
    for row in inside:
        flat = words(row[1])[0]
        knobs = dict(zip(flat[::2], flat[1::2], strict=True))
        names.append(knobs["name"])
        if row[0] == "Input":
            numbers.append(int(knobs.get("number", 0)))
    assert sorted(numbers) == list(range(len(node_knobs.PIPES)))
    assert len(set(names)) == len(names)


def test_every_expression_can_be_read():
    for node in gizmo.nodes():
        for name, value in node.knobs.items():
            if name.startswith(("expr", "temp_expr")):
                evaluate(words(value)[0][0], lambda name: 0.5)
            elif value.startswith("{{"):
                evaluate(value[3:-3], lambda name: 1.0)


def test_every_layer_an_expression_speaks_of_is_declared_before_it(text):
    spoken = set(re.findall(r"\b(lamp\d+|ratio|rest)\.(?:red|green|blue)\b", text))
    for name in spoken:
        assert text.index(f"add_layer {{{name} ") < text.index("Lamps")


def test_no_node_of_the_text_renders_by_itself(text):
    for row in words(text, lines=True):
        if row[0] in ("Write", "Read"):
            flat = words(row[1])[0]
            knobs = dict(zip(flat[::2], flat[1::2], strict=True))
            assert knobs["disable"] == "true"
            assert knobs["raw"] == "true"


def test_a_pasted_node_takes_what_is_selected_as_its_plate(host, tmp_path):
    plate = nuke.createNode("Grade")
    plate["selected"].setValue(True)
    path = tmp_path / "Relamp.nk"
    path.write_text(gizmo.paste_file())
    node = nuke.nodePaste(str(path))
    assert node.input(0) is plate
    assert [node.input(i) for i in range(1, 5)] == [None] * 4
    assert {knob.name() for knob in node.knobs().values()} >= {"status", "brief", "baked_frames"}
    assert state.messages == []


def test_copies_of_a_node_get_names_of_their_own(host, tmp_path):
    path = tmp_path / "Relamp.nk"
    path.write_text(gizmo.paste_file())
    assert [nuke.nodePaste(str(path)).name() for _ in range(3)] == ["Relamp1", "Relamp2", "Relamp3"]


@pytest.mark.parametrize(
    "word",
    ["plain", "", "two words", 'a "quote"', "[brackets] $dollar", "{brace", "back\\slash", "line\nbreak", "100%"],
)
def test_any_text_is_one_word_of_a_script(word):
    assert words(f"a {script.quoted(word)} b")[0] == ["a", word, "b"]


def test_code_in_a_button_comes_out_as_it_went_in(host, tmp_path):
    path = tmp_path / "Relamp.nk"
    path.write_text(gizmo.paste_file())
    node = nuke.nodePaste(str(path))
    compile(node["bake"].value(), "bake", "exec")
    compile(node["knobChanged"].value(), "knobChanged", "exec")
    assert node["knobChanged"].value() == gizmo.CHANGED
