from pathlib import Path

import pytest

from tflite_tools.android.identify import soc_name
from tflite_tools.android.planning import (
    Model,
    Settings,
    check_delegates,
    left_out,
    plan_runs,
    safe_name,
)
from tflite_tools.android.programs import Program, read_program
from tflite_tools.android.records import DeviceInfo

FOLDER = "/data/local/tmp/tflite_tools"
PHONE = DeviceInfo(
    "S1", "samsung SM-G970U", "Snapdragon 855", "12", 31, "arm64-v8a", dict(enumerate((1, 1, 2, 3)))
)
CLASSIC = Program(Path("b"), b"classic", "classic")
LITERT = Program(Path("l"), b"litert", "litert")


def model(name="model.tflite", input_name="serving:0", content=b"model"):
    return Model(Path(name), content, b"sample", input_name, (1, 16, 16, 3))


def plan(*delegates, programs=(CLASSIC,), models=None, device=PHONE, **settings):
    chosen = Settings(
        delegates, **{"threads": (2,), "runs": 7, "repeats": 1, "op_profile": False, **settings}
    )
    return plan_runs(models or [model()], programs, [], chosen, device)


def test_the_arguments_of_a_run():
    (run,) = plan("cpu")
    prefix, binary, graph, *flags = run.argv[:2], *run.argv[2:]
    assert prefix == ("taskset", "c")
    assert binary.startswith(f"{FOLDER}/")
    assert graph.startswith(f"--graph={FOLDER}/")
    assert graph.endswith(".tflite")
    sample = graph.removeprefix("--graph=").replace(".tflite", ".input")
    assert flags == [
        "--num_threads=2",
        "--num_runs=7",
        "--use_xnnpack=true",
        "--input_layer=serving:0",
        "--input_layer_shape=1,16,16,3",
        f"--input_layer_value_files=serving\\:0:{sample}",
        f"--output_filepath={FOLDER}/output",
    ]


@pytest.mark.parametrize(
    ("delegate", "program", "flags"),
    [
        ("gpu", CLASSIC, ["--use_gpu=true"]),
        ("nnapi", CLASSIC, ["--use_nnapi=true"]),
        ("nnapi:a b", CLASSIC, ["--use_nnapi=true", "--nnapi_accelerator_name=a b"]),
        ("hexagon", CLASSIC, ["--use_hexagon=true", f"--hexagon_lib_path={FOLDER}"]),
        (
            "qnn",
            CLASSIC,
            [
                f"--external_delegate_path={FOLDER}/libQnnTFLiteDelegate.so",
                "--external_delegate_options=backend_type:dsp;"
                f"library_path:{FOLDER}/libQnnDsp.so;skel_library_dir:{FOLDER}",
            ],
        ),
        ("cpu", LITERT, ["--use_cpu=true"]),
        ("gpu", LITERT, ["--use_cpu=false", "--use_gpu=true"]),
        (
            "qnn",
            LITERT,
            [
                *("--use_cpu=false", "--use_npu=true", f"--dispatch_library_path={FOLDER}"),
                f"--compiler_plugin_library_path={FOLDER}",
            ],
        ),
    ],
)
def test_the_flags_of_a_delegate(delegate, program, flags):
    (run,) = plan(delegate, programs=[program])
    begin = run.argv.index("--num_runs=7") + 1
    assert list(run.argv[begin : begin + len(flags)]) == flags
    assert (run.output is None) == (program is LITERT)
    if delegate in ("qnn", "hexagon"):
        assert run.argv[:3] == (
            "env",
            f"LD_LIBRARY_PATH={FOLDER}",
            f"ADSP_LIBRARY_PATH={FOLDER}",
        )


def test_every_file_once_before_any_is_repeated():
    models = [model("a.tflite", content=b"a"), model("b.tflite", content=b"b")]
    runs = plan("cpu", "gpu", models=models, repeats=2)
    assert [(run.repeat, run.delegate, run.file.name) for run in runs] == [
        (repeat, delegate, name)
        for repeat in (1, 2)
        for delegate in ("cpu", "gpu")
        for name in ("a.tflite", "b.tflite")
    ]
    assert len({run.key for run in runs}) == 8


@pytest.mark.parametrize(
    "changed",
    [
        {"models": [model(content=b"other")]},
        {"programs": [Program(Path("b"), b"other", "classic")]},
        {"threads": (3,)},
        {"runs": 8},
        {"op_profile": True},
        {"device": DeviceInfo("S2", "", None, None, None, None, {2: 1, 3: 2})},
    ],
)
def test_what_could_change_a_result_is_another_run(changed):
    (before,), (after,) = plan("cpu"), plan("cpu", **changed)
    assert before.key != after.key


def test_the_name_of_a_file_does_not_matter_to_the_phone():
    (plain,), (odd,) = plan("cpu"), plan("cpu", models=[model("$(x) '\"\n.tflite")])
    assert plain.argv == odd.argv
    assert odd.key.replace("_x_", "model") == plain.key


def test_an_input_whose_name_a_flag_cannot_hold_is_not_compared():
    (run,) = plan("cpu", models=[model(input_name="a,b")])
    assert run.output is None
    assert not any("input_layer" in argument for argument in run.argv)


def test_without_frequencies_no_core_is_chosen():
    (run,) = plan("cpu", device=DeviceInfo("S1", "", None, None, None, None, {}))
    assert "taskset" not in run.argv


@pytest.mark.parametrize(
    ("frequencies", "mask"),
    [([1] * 4 + [2] * 4, "f0"), ([1] * 6 + [2] * 2, "c0"), ([5] * 4, "f"), ([2, 2, 1, 1], "3")],
)
def test_the_big_cores(frequencies, mask):
    info = DeviceInfo("S1", "", None, None, None, None, dict(enumerate(frequencies)))
    assert info.big_cores == mask


def test_cores_that_are_off_do_not_move_the_others():
    info = DeviceInfo("S1", "", None, None, None, None, {0: 1, 4: 2, 5: 2})
    assert info.big_cores == "30"


def test_delegates_that_litert_does_not_have():
    assert left_out([CLASSIC, LITERT], ["cpu", "nnapi:x", "hexagon"]) == [
        "l is LiteRT's tool, which has no delegate nnapi:x.",
        "l is LiteRT's tool, which has no delegate hexagon.",
    ]
    assert plan("nnapi", programs=[LITERT]) == ()


def test_the_two_tools_are_told_apart(tmp_path):
    path = tmp_path / "benchmark_model"
    path.write_bytes(b"\x7fELF...use_xnnpack\0graph\0")
    assert read_program(path).kind == "classic"
    path.write_bytes(b"\x7fELF...dispatch_library_path\0graph\0")
    assert read_program(path).kind == "litert"


def test_a_delegate_is_tried_once():
    assert check_delegates(["gpu", "cpu", "gpu"]) == ("gpu", "cpu")


@pytest.mark.parametrize("text", ["../..", "..", "/", "", "a/b", "é", "x" * 300, "127.0.0.1:5555"])
def test_names_of_files_here(text):
    name = safe_name(text)
    assert name.isascii()
    assert 0 < len(name) <= 40
    assert not set(name) & set("./:")


@pytest.mark.parametrize(
    ("properties", "soc"),
    [
        ({"ro.soc.model": "SM8150", "ro.board.platform": "x"}, "Snapdragon 855"),
        ({"ro.soc.model": "SM8550"}, "SM8550"),
        ({"ro.soc.model": "unknown", "ro.board.platform": "sdm710"}, "Snapdragon 710"),
        ({"ro.board.platform": "msmnile", "ro.hardware": "qcom"}, "Snapdragon 855"),
        ({"ro.board.platform": "", "ro.hardware": "kirin980"}, "Kirin 980"),
        ({"ro.product.model": "SM-G970F", "ro.hardware": "exynos9820"}, "Exynos 9820"),
        ({"ro.board.platform": "mt6785", "ro.hardware": "mt6785"}, "mt6785"),
        ({"ro.product.model": "SM-G970U"}, None),
    ],
)
def test_the_chip_by_the_phones_properties(properties, soc):
    assert soc_name(properties) == soc
