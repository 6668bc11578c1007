import re

import pytest

from relamp.core.errors import ParameterError
from relamp.core.parameters import GROUPS, Curve, RelightParameters, at_frame, knobs, parse


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mix", 1.5),
        ("mix", float("nan")),
        ("working_size", 12),
        ("working_size", 512.5),
        ("threads", True),
        ("env_level", "auto"),
        ("env_rotate", (0.0, 90.0)),
        ("layers", ("beauty",)),
        ("compression", "jpeg"),
        ("compression", "zip:high"),
        ("data_type", ("double",)),
        ("device", "tpu"),
        ("drop_layers", "yes"),
    ],
)
def test_a_bad_value_is_refused_by_name(name, value):
    with pytest.raises(ParameterError, match=f"{name} must be .*; got "):
        RelightParameters(**{name: value})


def test_every_parameter_has_a_sentence_and_a_group():
    for name, k in knobs():
        assert k.help.endswith("."), name
        assert k.group in GROUPS, name


def test_every_default_passes_its_own_check():
    assert RelightParameters().mix == 1.0


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("env_exposure", "-1.5", -1.5),
        ("env_rotate", "0,90,-5.5", (0.0, 90.0, -5.5)),
        ("layers", "ratio, lamps", ("ratio", "lamps")),
        ("seed", "7", 7),
        ("mix", "1001=0;1011=1", Curve(((1001, 0.0), (1011, 1.0)))),
        ("env_rotate", "1=0,0,0; 5=0,90,0", Curve(((1, (0.0, 0.0, 0.0)), (5, (0.0, 90.0, 0.0))))),
    ],
)
def test_text_becomes_the_declared_type(name, text, value):
    assert parse(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"), [("mix", "a lot"), ("env_rotate", "0,x,0"), ("mix", "1001=half"), ("seed", "1.5")]
)
def test_text_that_is_no_value_is_refused_by_name(name, text):
    with pytest.raises(ParameterError, match=name):
        parse(name, text)


def test_a_curve_is_straight_between_keys_and_held_outside():
    curve = Curve(((10, 0.0), (20, 1.0)))
    assert [curve.at(frame) for frame in (5, 10, 15, 20, 99)] == [0, 0, 0.5, 1, 1]
    turn = Curve(((0, (0.0, 0.0, 0.0)), (4, (0.0, 90.0, 8.0))))
    assert turn.at(1) == (0.0, 22.5, 2.0)
    assert at_frame(3.0, 7) == 3.0


def test_a_curve_out_of_range_at_one_key_is_refused():
    with pytest.raises(ParameterError, match=r"mix must be 0 to 1; got 2"):
        RelightParameters(mix=Curve(((1, 0.0), (2, 2.0))))


def test_keys_out_of_order_are_refused():
    with pytest.raises(ParameterError, match="rising frames"):
        Curve(((5, 0.0), (1, 1.0)))


def test_what_cannot_be_animated_is_not():
    with pytest.raises(ParameterError, match=re.escape("working_size must be one value")):
        RelightParameters(working_size=Curve(((1, 256.0),)))


def test_the_level_is_absolute_when_the_source_light_is_known():
    assert RelightParameters().level_mode() == "match"
    assert RelightParameters(source_env="set.exr").level_mode() == "absolute"
    assert RelightParameters(source_env="set.exr", env_level="match").level_mode() == "match"
