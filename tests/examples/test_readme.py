"""The README's code runs as it stands there, and what it names exists."""

import re
from pathlib import Path

import keras
import numpy as np

import keras_finet
import tflite_tools

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_python_examples(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    # The same steps in a fraction of the time: the small network, and no graph for one step.
    readme = README.replace("Large(", "Small(").replace("_large_", "_small_")
    readme = readme.replace("jit_compile=False", "run_eagerly=True")
    job, layer, weights, own_model = re.findall(
        r"^```python\n(.*?)^```", readme, flags=re.DOTALL | re.MULTILINE
    )
    rng = np.random.default_rng(0)
    names = {
        "images": rng.integers(0, 256, (16, 32, 32, 3)),
        "labels": rng.integers(0, 10, 16),
    }
    exec(job, names)

    printed = capsys.readouterr().out
    assert "Fusion passed" in printed
    for name in ("finet_small (reference)", "finet_small_int8.tflite", "same top-1"):
        assert name in printed
    assert (tmp_path / "out" / "finet_small_int8.tflite").exists()

    names = {"keras": keras, "keras_finet": keras_finet}
    exec(layer, names)
    assert names["y"].shape == (None, 32, 32, 64)

    exec(weights, names)
    assert list(names["backbone"].output) == ["stage2", "stage3", "conv5"]
    assert "predictions" in capsys.readouterr().out

    exec(own_model, names)
    assert "34 convert" in (printed := capsys.readouterr().out)
    assert "18 keep" in printed
    fine = [[type(each) for each in names[name].layers] for name in ("fine", "pointwise")]
    assert [kinds.count(keras_finet.FineGrainedBatchNorm) for kinds in fine] == [34, 34]


def test_the_table_names_what_the_packages_export():
    table = README[README.index("## What is in it") : README.index("## Fine-grained")]
    named = set(re.findall(r"`([\w.]+)`", table))

    exported = {*keras_finet.__all__, *(f"tflite_tools.{name}" for name in tflite_tools.__all__)}
    assert exported <= named
    assert named - exported <= {"keras.applications", "keras_finet", "tflite_tools", ".tflite"}
