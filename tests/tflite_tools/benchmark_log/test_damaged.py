"""Logs cut off, mixed with other lines, and damaged."""

import dataclasses
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import benchmark_logs as logs

from tflite_tools import parse_benchmark_log

settings.register_profile("logs", max_examples=300, deadline=None)
LOGS = st.sampled_from(list(logs.ALL.values()))
FIGURES = [
    *("init_ms", "first_ms", "warmup_ms", "mean_ms", "median_ms", "p95_ms", "std_ms", "min_ms"),
    *("max_ms", "runs", "memory_mb", "peak_memory_mb"),
]


def result_at(log):
    """Where the line ends that holds the result."""
    for mark in ("Inference timings in us", "nference timings in us", "Inference (avg):      "):
        if mark in log:
            return log.index("\n", log.index(mark))
    return len(log)


@pytest.mark.parametrize("log", logs.ALL.values(), ids=logs.ALL)
def test_a_log_cut_off_anywhere_is_incomplete_and_has_no_wrong_figure(log):
    whole, end = parse_benchmark_log(log), result_at(log)
    for length in range(len(log)):
        cut = parse_benchmark_log(log[:length])
        for name in FIGURES:
            assert getattr(cut, name) in (None, getattr(whole, name)), (name, length)
        assert cut.op_profile == whole.op_profile[: len(cut.op_profile)]
        assert cut.unsupported_ops == whole.unsupported_ops[: len(cut.unsupported_ops)]
        assert cut.delegation in (None, whole.delegation)
        if length < end:
            failed = "Benchmarking failed." in log[:length]
            assert cut.status == ("failed" if failed else "incomplete"), length
    assert whole.status in ("ok", "failed")


def test_a_result_without_its_line_feed_is_one_if_the_line_before_confirms_it():
    end = logs.FALLBACK.rstrip("\n")
    assert parse_benchmark_log(end).status == "ok"
    assert parse_benchmark_log(end[:-1]).status == "incomplete"


stray = st.sampled_from(
    ["", "   ", "stray", "W/Adreno: gsl_memory_alloc", "VERSION 3", "[ 12.3] usb 1-1", "a=b, c: d"]
)


@settings(settings.get_profile("logs"))
@given(log=LOGS, data=st.data())
def test_stray_lines_change_nothing(log, data):
    lines = log.splitlines()
    places = data.draw(st.lists(st.tuples(st.integers(0, len(lines)), stray), max_size=8))
    # An empty line ends a table of operators.
    for place, line in sorted(places, reverse=True):
        if not line.strip():
            line = "stray"
        lines.insert(place, line)
    assert parse_benchmark_log("\n".join(lines) + "\n") == parse_benchmark_log(log)


FORMS = {
    "CRLF": lambda log: log.replace("\n", "\r\n"),
    "CR CR LF": lambda log: log.replace("\n", "\r\r\n"),
    "colours": lambda log: "".join(f"\x1b[1;32m{line}\x1b[0m\n" for line in log.splitlines()),
    "logcat": lambda log: "".join(
        f"11-20 12:34:56.789  1234  1240 I tflite  : {line}\n" for line in log.splitlines()
    ),
    "logcat, brief": lambda log: "".join(
        f"I/tflite  ( 1234): {line}\n" for line in log.splitlines()
    ),
    "no level": lambda log: log.replace("INFO: ", ""),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("log", logs.ALL.values(), ids=logs.ALL)
def test_how_the_log_was_kept_changes_nothing(form, log):
    assert parse_benchmark_log(form(log)) == parse_benchmark_log(log)


def check(record):
    assert record.status in ("ok", "failed", "incomplete")
    assert record.binary in ("classic", "litert")
    assert record.delegation in ("full", "partial", "none", None)
    for name in FIGURES:
        value = getattr(record, name)
        assert value is None or (math.isfinite(value) and value >= 0), name
    assert record.status != "ok" or record.mean_ms is not None
    dataclasses.asdict(record)


@settings(settings.get_profile("logs"))
@given(log=LOGS, data=st.data())
def test_damaged_bytes_never_raise(log, data):
    content = bytearray(log.encode())
    changes = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(changes, max_size=60)):
        content[place] = value
    check(parse_benchmark_log(content.decode(errors="replace")))
    check(parse_benchmark_log(content.decode(errors="surrogateescape")))


words = st.sampled_from(
    [
        *("count=", "1", "9" * 5000, "avg=", "1.2.3", "nan", "e", "=", "\n", "\t", "%", "\x1b["),
        *("Inference timings in us: ", "Replacing ", " out of ", "(", ")", "{", "[", "=" * 12),
        " Run Order ",
    ]
)


@settings(settings.get_profile("logs"))
@given(st.one_of(st.text(), st.lists(words).map("".join)))
def test_any_text_never_raises(text):
    check(parse_benchmark_log(text))


@pytest.mark.parametrize(
    "line",
    [
        "=" * 100_000,
        "\t" + "1.5 " * 25_000,
        "A" * 100_000,
        "count=1 " + "avg=" * 25_000,
        "INFO: " * 20_000,
        "Explicitly applied " * 5000,
        "Could not find the specified NNAPI accelerator: " * 2000,
    ],
)
def test_long_lines_cost_no_time(line):
    started = time.process_time()
    check(parse_benchmark_log(f"{logs.OP_PROFILE}{line}\nINFO: Use gpu: [1]\n"))
    assert time.process_time() - started < 1
