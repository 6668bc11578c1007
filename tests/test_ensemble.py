"""The ensemble of exposures, and how far answers agree, on a network that can be worked out by hand."""

import numpy as np
import pytest
import torch

from relamp.core.pictures.curves import decode_log_tensor
from relamp.core.relighter.answer import Answer
from relamp.core.relighter.own.ensemble import factors, relight, scaled
from small_relighter import conditions


class Fake:
    """Answers the plate's own brightness and the seed; sees no structure."""

    span = "frame"
    gives = frozenset()

    def __init__(self):
        self.asked = []

    def seeded(self, steps):
        return (steps or 1) > 1

    def relight(self, conditions, *, frames, steps=None, seed=0):
        self.asked.append((len(conditions), seed))
        answers = []
        for c in conditions:
            light = decode_log_tensor(c.code)[0].permute(1, 2, 0).numpy()
            drawn = 0.1 * seed if self.seeded(steps) else 0.0
            hint = np.full_like(light, 0.25)
            answers.append(Answer(light + np.float32(drawn), hint, np.full_like(light, 3**-0.5)))
        return answers


def ask(network, count, **more):
    [answer] = relight(network, [conditions()], frames=[1], steps=more.pop("steps", None), seed=5, count=count, **more)
    return answer


@pytest.mark.parametrize("count", [1, 3, 5, 7])
def test_factors_span_the_range_evenly_around_one(count):
    found = factors(count)
    assert len(found) == count
    assert found[count // 2] == 1
    if count > 1:
        np.testing.assert_allclose(found, np.linspace(0.5, 1.5, count))


def test_scaling_comes_after_the_anchor_and_one_leaves_the_bits():
    c = conditions()
    torch.testing.assert_close(
        decode_log_tensor(scaled(c, 0.5).code), 0.5 * decode_log_tensor(c.code), atol=1e-6, rtol=1e-5
    )
    assert scaled(c, 1.0) is c


@pytest.mark.parametrize("count", [3, 5, 7])
def test_an_ensemble_is_the_mean_of_the_relit_proxies_with_the_scaling_undone(count):
    found = ask(Fake(), count)
    light = decode_log_tensor(conditions().code)[0].permute(1, 2, 0).double().numpy()
    relit = [factor * light * np.exp(0.25 + factor * light) / factor for factor in factors(count)]
    np.testing.assert_allclose(light * np.exp(found.hint + found.residual), np.mean(relit, 0), rtol=1e-5, atol=1e-7)


def test_an_ensemble_of_one_is_the_answer_itself():
    one, [alone] = ask(Fake(), 1), Fake().relight([conditions()], frames=[1], seed=5)
    np.testing.assert_array_equal(one.residual, alone.residual)


def test_a_network_with_an_ensemble_of_its_own_is_asked_once():
    network = Fake()
    network.gives = frozenset({"ensemble"})
    ask(network, 5)
    assert network.asked == [(1, 5)]


def test_confidence_is_one_where_answers_agree_and_a_half_at_a_stop():
    agreed = ask(Fake(), 3, confidence=True).confidence
    light = decode_log_tensor(conditions().code)[0].permute(1, 2, 0).double().numpy()
    spread = np.std([f * light for f in factors(3)], axis=0).mean(-1)
    np.testing.assert_allclose(agreed, np.exp(-spread), rtol=1e-5)
    assert agreed.max() > 0.99


def test_without_an_ensemble_confidence_is_told_from_seeds_and_the_answer_stays():
    network = Fake()
    told, plain = ask(network, 1, steps=4, confidence=True), ask(Fake(), 1, steps=4)
    np.testing.assert_array_equal(told.residual, plain.residual)
    np.testing.assert_allclose(told.confidence, np.exp(-np.std([0.5, 0.6, 0.7])), rtol=1e-5)
    assert [seed for _, seed in network.asked] == [5, 6, 7]
