"""What dead channels do to int8, and what conversion does about them."""

import json

import keras
import numpy as np
import pytest
from support.dead_channels import CLASSES, DEAD_GROUP, classifier, labelled_images

from tflite_tools import convert, evaluate, range_report
from tflite_tools.dead_channels import contents_in_order
from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel

PRECISIONS = ("int8", "float32", "dynamic_int8")


@pytest.fixture(scope="module")
def train_set():
    return labelled_images(300, seed=0)


@pytest.fixture(scope="module")
def test_set():
    return labelled_images(1000, seed=1)


@pytest.fixture(scope="module")
def planted(train_set):
    return classifier(*train_set)


@pytest.fixture(scope="module")
def converted(planted, train_set, tmp_path_factory):
    """The reports with and without the dead channels."""
    return {
        drop: convert(
            planted,
            tmp_path_factory.mktemp("dead"),
            precisions=PRECISIONS,
            calibration=train_set[0],
            drop_dead_channels=drop,
        )
        for drop in (True, False)
    }


def keras_top1(model, test_set):
    return np.mean(np.asarray(model(test_set[0])).argmax(-1) == test_set[1])


def top1(report, precision, test_set):
    (file,) = (record.file for record in report.records if record.precision == precision)
    return evaluate(file, *test_set).top1


@pytest.mark.parametrize("precision", ["int8", "dynamic_int8"])
def test_int8_is_within_a_point_of_float_without_them_and_collapses_with_them(
    planted, converted, test_set, precision
):
    expected = keras_top1(planted, test_set)
    assert expected > 0.9
    assert top1(converted[True], precision, test_set) >= expected - 0.01
    assert top1(converted[False], precision, test_set) < expected - 0.25


def test_float_files_keep_them(converted, train_set):
    outputs = [
        LiteModel(report.records[1].file).predict(train_set[0]) for report in converted.values()
    ]
    assert np.array_equal(*outputs)
    assert all(report.records[1].evaluation.max_abs_error < 1e-3 for report in converted.values())


def test_the_report_counts_them_and_says_what_dropping_costs_in_float(
    planted, converted, train_set
):
    record = converted[True].dead_channels
    assert record.layers == {"stem_bn": 16, "fine": 64}
    assert (record.total, record.dropped) == (80, True)
    # With an infinite variance a slice gives its beta and nothing else, too.
    by_hand = keras.models.clone_model(planted)
    by_hand.set_weights(planted.get_weights())
    for name, dead in (("stem_bn", np.s_[16:32]), ("fine", DEAD_GROUP)):
        variance = by_hand.get_layer(name).moving_variance
        values = np.array(keras.ops.convert_to_numpy(variance))
        values[dead] = np.inf
        variance.assign(values)
    exact, without = (np.asarray(model(train_set[0])) for model in (planted, by_hand))
    error = np.abs(exact - without).max()
    assert record.max_abs_error == pytest.approx(error, abs=1e-4)
    assert record.agreement == np.mean(exact.argmax(-1) == without.argmax(-1))
    text = " ".join(str(converted[True]).split())
    assert "int8 is without 80 dead channels (stem_bn: 16, fine: 64). In float that alone" in text
    assert json.loads(converted[True].to_json())["dead_channels"]["total"] == 80


def test_what_is_kept_is_a_warning_that_says_where_to_look(converted):
    record = converted[False].dead_channels
    assert (record.total, record.dropped, record.agreement) == (80, False, None)
    text = " ".join(str(converted[False]).split())
    assert "Warning: int8 keeps 80 dead channels (stem_bn: 16, fine: 64)" in text
    assert "tflite-tools ranges FLOAT32.tflite INT8.tflite tells why" in text


def test_the_range_report_finds_the_layer(converted, train_set):
    """Huge weights leave no steps to the rest of their filters."""
    int8, float32, _ = (record.file for record in converted[False].records)
    report = range_report(float32, int8, train_set[0])
    assert report.worst[0].layer == "fine"
    assert report.worst[0].weights.rounded_to_zero > 0.3
    assert "of the weights round to 0" in report.worst[0].cause
    sound = range_report(float32, converted[True].records[0].file, train_set[0])
    drops = [
        next(tensor.drop_db for tensor in each.tensors if tensor.layer == "fine")
        for each in (report, sound)
    ]
    assert drops[0] > drops[1] + 10


def test_factors_that_no_kernel_has_are_refused_unless_they_are_dropped(
    train_set, test_set, tmp_path
):
    model = classifier(*train_set, gain=800.0)
    options = {"precisions": "int8", "calibration": train_set[0]}
    with pytest.raises(ToolError, match=r"requantisation factor of \d+, .*--keep-dead-channels"):
        convert(model, tmp_path, drop_dead_channels=False, **options)
    assert not list(tmp_path.iterdir())
    report = convert(model, tmp_path, **options)
    assert top1(report, "int8", test_set) >= keras_top1(model, test_set) - 0.01


def test_a_model_without_dead_channels(model, samples, tmp_path):
    report = convert(model, tmp_path, precisions="dynamic_int8", inputs=samples)
    assert report.dead_channels is None
    assert "dead channels" not in str(report)
    assert json.loads(report.to_json())["dead_channels"] is None


def test_the_option_of_the_command(run_cli, planted, train_set, tmp_path):
    planted.save(tmp_path / "planted.keras")
    np.save(tmp_path / "inputs.npy", train_set[0][:8])
    options = ("--precision", "dynamic_int8", "--inputs", tmp_path / "inputs.npy", "--json")
    result = run_cli(
        *("convert", tmp_path / "planted.keras", "-o", tmp_path, *options, "--keep-dead-channels")
    )
    assert (result.returncode, result.stderr) == (0, "")
    dead = json.loads(result.stdout)["dead_channels"]
    assert (dead["total"], dead["dropped"]) == (80, False)


def test_each_graph_is_converted_once_and_the_order_stays():
    class Graph(str):
        """Told apart as graphs are, by what they are and not by what they say."""

    first, second = Graph("same"), Graph("same")
    calls = []

    def contents_of(graph, precisions):
        calls.append((graph is first, precisions))
        yield from precisions

    graphs = {"int8": second, "float32": first, "dynamic_int8": second, "float16": first}
    assert list(contents_in_order(graphs, contents_of)) == list(graphs)
    assert calls == [(False, ["int8", "dynamic_int8"]), (True, ["float32", "float16"])]


def test_classes_are_all_there(test_set):
    assert np.bincount(test_set[1], minlength=CLASSES).min() > 100
