import pytest
from training_cost import timing


class Clock:
    """Stands for `time`: a step of so many seconds, during which two threads work."""

    def __init__(self):
        self.now = 0.0
        self.calls = []

    def perf_counter(self):
        return self.now

    def process_time(self):
        return 2 * self.now

    def collect(self):
        pass

    def step(self, name, seconds):
        def run():
            self.calls.append(name)
            self.now += seconds

        return run


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    monkeypatch.setattr(timing, "gc", clock)  # half a second a time, beside what pytest holds
    return clock


def test_milliseconds_of_every_round(clock):
    steps = {"a": clock.step("a", 0.5), "b": clock.step("b", 0.25)}
    samples, errors = timing.time_in_turns(steps, rounds=3)

    assert samples["a"] == timing.Samples(wall_ms=[500.0] * 3, cpu_ms=[1000.0] * 3)
    assert samples["b"] == timing.Samples(wall_ms=[250.0] * 3, cpu_ms=[500.0] * 3)
    assert errors == {}


def test_warm_up_rounds_are_not_counted(clock):
    seconds = iter([9.0, 8.0, 0.5, 0.25])

    def gets_faster():
        clock.now += next(seconds)

    samples, _ = timing.time_in_turns({"a": gets_faster}, rounds=2, warm_up=2)
    assert samples["a"] == timing.Samples(wall_ms=[500.0, 250.0], cpu_ms=[1000.0, 500.0])


def test_all_take_a_turn_each_round_in_changing_order(clock):
    names = "abcde"
    timing.time_in_turns({name: clock.step(name, 1.0) for name in names}, rounds=10)

    rounds = ["".join(clock.calls[start : start + 5]) for start in range(0, 50, 5)]
    assert {"".join(sorted(order)) for order in rounds} == {names}
    assert len(set(rounds)) > 5


def test_one_that_fails_is_left_out_and_the_others_go_on(clock):
    calls = []

    def fails_the_second_time():
        calls.append(True)
        if len(calls) == 2:
            raise MemoryError("none left")

    steps = {"good": clock.step("good", 1.0), "bad": fails_the_second_time}
    samples, errors = timing.time_in_turns(steps, rounds=4)

    assert list(samples) == ["good"]
    assert len(samples["good"].wall_ms) == 4
    assert len(calls) == 2
    assert str(errors["bad"]) == "none left"
