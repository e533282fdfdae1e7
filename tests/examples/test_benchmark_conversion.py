import json
import time

from conversion_cost import compared
from support.examples import assert_refused, run_example


def test_a_smoke_run_compares_all(tmp_path):
    process = run_example("benchmark_conversion", "--smoke", "--json")
    assert process.returncode == 0, process.stderr
    costs = json.loads(process.stdout)
    assert [cost["goal"] for cost in costs] == ["≤ 1.30", "≤ 1.30", "≤ 0.59", "≤ 1.02"]
    for cost in costs:
        low, high = cost["quartiles"]
        assert 0 < low <= cost["ratio"] <= high
        assert cost["seconds"] > 0 < cost["against_seconds"]


def test_the_two_take_turns_and_the_ratio_is_the_median(monkeypatch):
    calls = []
    durations = {"one": iter([9, 4, 2, 3]), "other": iter([9, 2, 2, 2])}
    now = 0.0

    def task(name):
        def run():
            nonlocal now
            calls.append(name)
            now += next(durations[name])

        return run

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    cost = compared(("a", task("one")), ("b", task("other")), 3, highest=1.5)
    assert calls == ["one", "other", "other", "one", "one", "other", "other", "one"]
    assert (cost.seconds, cost.against_seconds, cost.ratio) == (3, 2, 1.5)
    assert cost.quartiles == (1.25, 1.75)
    assert (cost.goal, cost.reached) == ("≤ 1.50", True)


def test_mistakes():
    process = run_example("benchmark_conversion", "--rounds", "0")
    assert_refused(process, "benchmark_conversion", "expected a whole number from 1 to 1000, got 0")
