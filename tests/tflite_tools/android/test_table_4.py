"""Table 4 of the paper on a stand-in phone."""

import json
import shutil

import pytest
from support.examples import assert_refused, run_example


@pytest.fixture
def run(adb_env, binary, files, tmp_path):
    """Function that makes the table of files that are there already."""
    for network in ("finet_without_se", "shufflenetv2"):
        for precision in ("float32", "int8"):
            shutil.copy(files[precision], tmp_path / f"{network}_{precision}.tflite")

    def table():
        return run_example(
            *("reproduce_tables", "--table", 4, "--smoke", "--rounds", 1, "--threads", 1, 2),
            *("--models", tmp_path, "--binary", binary, "--format", "json"),
        )

    return table


def test_phones_beside_this_machine(phone, run):
    phone.engine.latency_us = 20_000
    phone.engine.behaviour = lambda number, flags: "crash" if number == 1 else "ok"
    process = run()
    assert process.returncode == 0, process.stderr
    rows = json.loads(process.stdout)["rows"]
    columns = [f"SM-G970U, {p} ×{n}" for p in ("float32", "int8") for n in (1, 2)]
    for column in columns:
        name = f"samsung {column}"
        first, second = (row["figures"][name]["computed"] for row in rows)
        assert first == "50.0 (1.00)"
        # The second run, of the second file on one thread, has crashed.
        assert second == ("" if column == columns[0] else "50.0 (1.00)")
    assert rows[0]["figures"]["int8 ×2"]["computed"].endswith("(1.00)")


def test_without_a_phone_nothing_is_measured(run, client, tmp_path):
    process = run()
    assert_refused(process, "reproduce_tables", "adb lists none")
    assert not list(tmp_path.glob("host_*"))
