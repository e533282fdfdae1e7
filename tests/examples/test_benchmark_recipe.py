import re

from support.examples import assert_refused, run_example


def test_a_smoke_run_compares_steps_and_images():
    process = run_example("benchmark_recipe", "--smoke", "--recipe", "cifar")
    assert process.returncode == 0, process.stderr
    rows = re.findall(r"^\| ([a-z].*?) \| (.*?) \| ([\d.,]+) \| ([\d.,]+) \|", process.stdout, re.M)
    assert [row[:2] for row in rows] == [
        ("steps with FBN, G=4", "steps with BN"),
        ("making their images", "steps with FBN, G=4"),
    ]
    assert all(float(speed.replace(",", "")) > 0 for row in rows for speed in row[2:])
    assert process.stderr == ""


def test_mistakes():
    process = run_example("benchmark_recipe", "--model", "mnasnet", "--smoke")
    assert_refused(process, "benchmark_recipe: ", "mnasnet has no fine-grained")
