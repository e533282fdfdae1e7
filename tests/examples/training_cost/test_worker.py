"""What the worker does with a request."""

import pytest
from training_cost import worker
from training_cost.plan import SMOKE_NETWORK, comparison
from training_cost.step import WARM_UP_STEPS

COMMON = comparison("any", "float32", SMOKE_NETWORK, side=32, batch=2, rounds=3)


@pytest.fixture
def log(monkeypatch):
    """What is built and run, in order; "bad" cannot be built and "worse" cannot be run."""
    log = []

    def built(common, variant):
        log.append(f"build {variant}")
        if variant == "bad":
            raise ValueError("it is\nbad")
        return lambda: run(variant)

    def run(variant):
        log.append(f"run {variant}")
        if variant == "worse":
            raise MemoryError("none left")

    monkeypatch.setattr(worker, "built", built)
    return log


def test_all_are_built_before_one_is_run(log):
    answer = worker.times(COMMON, ["bn", "bad", "worse", "g4"])

    assert log[:4] == ["build bn", "build bad", "build worse", "build g4"]
    assert sorted(log[4:]) == sorted(["run worse", *["run bn", "run g4"] * (3 + WARM_UP_STEPS)])
    assert {name: len(sample["cpu_ms"]) for name, sample in answer["samples"].items()} == {
        "bn": 3,
        "g4": 3,
    }
    assert answer["failed"] == {"bad": "ValueError: it is bad", "worse": "MemoryError: none left"}
