"""The benchmark as a user runs it, and what it does when something fails on the way."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import benchmark_training
import pytest
from support.examples import assert_refused, run_example
from training_cost import processes
from training_cost.plan import SMOKE_NETWORK, VARIANTS, comparison

COMMON = comparison("tensorflow", "float32", SMOKE_NETWORK, side=32, batch=2, rounds=1)
DEVICE = {"version": "1.2.3", "gpu": None}
COST = {**DEVICE, "memory_bytes": 2**20, "flops": 1e9}
SAMPLES = {"wall_ms": [1.0], "cpu_ms": [2.0]}


def run_benchmark(*arguments):
    return run_example("benchmark_training", *arguments)


def test_smoke_run(tmp_path):
    out = tmp_path / "deep" / "out"
    process = run_benchmark("--smoke", "--out", out)

    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stderr == "", "noise reached the terminal"
    assert "two layers, 32×32, batch 64, float32, tensorflow" in process.stdout
    assert process.stdout.rstrip().endswith(f"are in {out}/")

    assert {path.name for path in out.iterdir()} == set(benchmark_training.ARTEFACTS)
    record = json.loads((out / "results.json").read_text())
    assert record["options"]["rounds"] == 2
    assert record["machine"]["cores"] >= 1
    (result,) = record["results"]
    assert result["device"]["version"]
    rows = {row["variant"]: row for row in result["rows"]}
    assert list(rows) == [VARIANTS[key] for key in ("bn", "g4", "paper")]
    for row in rows.values():
        assert row["problem"] is None
        assert row["wall_ms"] > 0
        assert row["cpu_ratio"]["lower"] <= row["cpu_ratio"]["median"] <= row["cpu_ratio"]["upper"]
        assert len(row["samples"]["wall_ms"]) == 2
        if sys.platform.startswith("linux"):
            assert row["memory_mib"] > 1
        assert row["variant"] in process.stdout
    assert rows["BN"]["cpu_ratio"]["median"] == rows["BN"]["memory_ratio"] == 1.0
    assert rows["FBN G=4"]["flop_ratio"] > 1.05


def test_help_names_every_option_and_variant():
    process = run_benchmark("--help")

    assert process.returncode == 0
    assert process.stderr == ""
    options = ("backend", "network", "variant", "precision", "side", "batch", "rounds", "smoke")
    for option in options:
        assert f"--{option}" in process.stdout
    text = " ".join(process.stdout.split())
    assert all(f"{key}: {name}" in text for key, name in VARIANTS.items())


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["--batch", "0"], "--batch: expected a whole number from 1 to 65536, got 0"),
        (["--side", "31"], "--side: expected a whole number from 32"),
        (["--variant", "bn", "gn"], "--variant: invalid choice: 'gn'"),
        (["--out", str(Path(__file__))], "cannot be made"),
    ],
)
def test_refuses_what_it_cannot_do(arguments, fragment):
    assert_refused(run_benchmark(*arguments), "benchmark_training", fragment)


def run_main(monkeypatch, tmp_path, answer, *arguments):
    """Runs the program in this process, with `answer` in place of the workers."""
    monkeypatch.setattr(benchmark_training, "ask_worker", answer)
    monkeypatch.setattr(sys, "argv", ["benchmark_training", "--out", str(tmp_path), *arguments])
    return benchmark_training.main()


def results_in(folder):
    return json.loads((folder / "results.json").read_text())["results"]


def test_a_backend_that_is_not_installed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert run_main(monkeypatch, tmp_path / "out", None, "--backend", "jax") == 2
    message = capsys.readouterr().err
    assert message == (
        "benchmark_training: --backend jax: it is not installed. Install it with: pip install jax\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_variant_that_fails_by_itself_takes_no_other_with_it(monkeypatch, tmp_path, capsys):
    timed = []

    def answer(common, environment=None, variant=None, variants=None):
        if variant is None:
            timed.extend(variants)
            return {"samples": dict.fromkeys(variants, SAMPLES), "failed": {}}
        assert environment, "the malloc settings are missing"
        return {"g4": {"failed": "out of memory"}, "fused": {"not_available": "none"}}.get(
            variant, COST
        )

    arguments = ("--network", "ResNet18", "--variant", "g4", "fused", "g2")
    assert run_main(monkeypatch, tmp_path, answer, *arguments) == 1
    assert timed == ["bn", "g2"]
    (result,) = results_in(tmp_path)
    measured = {row["variant"]: row["wall_ms"] for row in result["rows"]}
    assert measured == {"BN": 1.0, "FBN G=4": None, "BN, fused kernel": None, "FBN G=2": 1.0}
    assert "FBN G=4: failed: out of memory." in capsys.readouterr().out


def test_memory_is_kept_when_the_timing_process_dies(monkeypatch, tmp_path):
    def answer(common, environment=None, variant=None, variants=None):
        return COST if variant else {"failed": "it was ended"}

    assert run_main(monkeypatch, tmp_path, answer, "--smoke") == 1
    (result,) = results_in(tmp_path)
    assert {row["problem"] for row in result["rows"]} == {"it was ended"}
    assert {row["memory_mib"] for row in result["rows"]} == {1.0}


def test_an_interrupt_keeps_what_was_measured(monkeypatch, tmp_path, capsys):
    def answer(common, environment=None, variant=None, variants=None):
        if common.network != "FinetSmall":
            raise KeyboardInterrupt
        return COST if variant else {"samples": dict.fromkeys(variants, SAMPLES), "failed": {}}

    assert run_main(monkeypatch, tmp_path, answer, "--variant", "g2") == 130
    assert "interrupted after 1 of 3 comparisons" in capsys.readouterr().err
    assert [result["comparison"]["network"] for result in results_in(tmp_path)] == ["FinetSmall"]


def test_every_choice_is_compared_once(monkeypatch):
    arguments = ["--backend", "torch", "jax", "torch", "--network", "ResNet18", "FinetLarge"]
    monkeypatch.setattr(sys, "argv", ["benchmark_training", *arguments, "--batch", "256"])
    options = benchmark_training.parse_options()

    assert [
        (one.backend, one.network, one.side, one.batch)
        for one in benchmark_training.comparisons(options)
    ] == [
        ("torch", "ResNet18", 32, 512),
        ("torch", "FinetLarge", 224, 256),
        ("jax", "ResNet18", 32, 512),
        ("jax", "FinetLarge", 224, 256),
    ]
    assert options.variant == list(VARIANTS)


def test_the_worker_says_why_a_variant_cannot_be_built():
    answer = processes.ask_worker(COMMON, variant="unheard of")
    assert answer["failed"] == "KeyError: 'unheard of'"
    assert answer["version"]


def test_a_worker_that_cannot_start_is_a_failure_with_its_last_line():
    common = comparison("nonsense", "float32", SMOKE_NETWORK, side=32, batch=2, rounds=1)
    answer = processes.ask_worker(common, variant="bn")
    assert "its process ended with exit code 1: " in answer["failed"]
    assert "nonsense" in answer["failed"]


def test_a_worker_that_is_killed_is_a_failure(monkeypatch):
    killed = subprocess.CompletedProcess([], returncode=-9, stdout="", stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **keywords: killed)
    assert processes.ask_worker(COMMON, variant="bn") == {
        "failed": "its process was ended by SIGKILL, probably for want of memory"
    }
