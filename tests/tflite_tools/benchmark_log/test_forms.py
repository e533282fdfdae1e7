import pytest
from support import benchmark_logs as logs

from tflite_tools import parse_benchmark_log
from tflite_tools.benchmark_log import OpTime, UnsupportedOp


def some(record, *names):
    return {name: getattr(record, name) for name in names}


def test_a_full_log():
    record = parse_benchmark_log(logs.CLASSIC_GPU)
    assert (record.status, record.binary, record.error) == ("ok", "classic", None)
    assert (record.delegate, record.delegation) == ("gpu", "full")
    assert (record.nodes, record.delegated_nodes, record.partitions) == (68, 68, 1)
    assert (record.init_ms, record.first_ms, record.warmup_ms) == (466.002, 14.501, 12.2223)
    assert (record.mean_ms, record.median_ms, record.p95_ms) == (11.9854, 11.97, 12.15)
    assert (record.std_ms, record.min_ms, record.max_ms, record.runs) == (0.097, 11.87, 12.601, 84)
    assert (record.memory_mb, record.peak_memory_mb) == (112.543, 131.297)
    assert (record.accelerators, record.unsupported_ops, record.op_profile) == ((), (), ())


def test_a_fallback_to_the_cpu_is_not_the_delegates_number():
    record = parse_benchmark_log(logs.FALLBACK)
    assert (record.status, record.delegate, record.delegation) == ("ok", "gpu", "none")
    assert record.mean_ms == 40.2115
    assert record.error == "GPU acceleration is unsupported on this platform."


def test_operators_that_a_delegate_refuses():
    record = parse_benchmark_log(logs.PARTIAL)
    assert (record.status, record.delegate, record.delegation) == ("ok", "gpu", "partial")
    assert (record.nodes, record.delegated_nodes, record.partitions) == (68, 66, 2)
    assert record.unsupported_ops == (
        UnsupportedOp("ARG_MAX", "Operation is not supported."),
        UnsupportedOp("CAST", "Not supported Cast case."),
        UnsupportedOp("DEQUANTIZE", ""),
    )
    assert (record.first_ms, record.warmup_ms) == (751.932, 751.932)


def test_nnapi_and_what_it_left_to_xnnpack():
    record = parse_benchmark_log(logs.NNAPI)
    assert (record.delegate, record.delegation) == ("nnapi", "partial")
    assert (record.nodes, record.delegated_nodes, record.partitions) == (68, 67, 2)
    assert record.accelerators == ("qti-default", "qti-dsp", "qti-gpu", "nnapi-reference")
    assert (record.mean_ms, record.first_ms, record.memory_mb) == (8.12325, 9.0, 30.25)


@pytest.mark.parametrize(
    "line",
    [
        "NNAPI accelerators available: [nnapi-reference]",
        "NNAPI accelerators available: [qti-dsp,nnapi-reference]\n"
        "NNAPI accelerator name: [nnapi-reference]",
    ],
)
def test_nnapis_reference_is_the_cpu(line):
    log = logs.NNAPI.replace("NNAPI accelerator name: [qti-dsp]", "")
    available = "NNAPI accelerators available: [qti-default,qti-dsp,qti-gpu,nnapi-reference]"
    record = parse_benchmark_log(log.replace(available, line))
    assert (record.delegate, record.delegation) == ("nnapi", "none")


def test_a_log_of_2019():
    record = parse_benchmark_log(logs.OF_2019)
    assert (record.status, record.delegate, record.delegation) == ("ok", None, None)
    assert (record.init_ms, record.first_ms, record.warmup_ms) == (21.039, 91.81, 86.1843)
    assert (record.mean_ms, record.median_ms, record.std_ms) == (115.062, None, 7.678)
    assert record.runs == 50
    assert record.op_profile == (
        OpTime("CONV_2D", "[MobilenetV2/Conv/Relu6]", 7.237, pytest.approx(0.06297), 1),
        OpTime(
            *("DEPTHWISE_CONV_2D", "[MobilenetV2/expanded_conv/depthwise/Relu6]"),
            *(3.726, pytest.approx(0.03243), 1),
        ),
    )


def test_the_op_profile_of_the_regular_runs_only():
    record = parse_benchmark_log(logs.OP_PROFILE)
    assert record.op_profile == (
        OpTime(
            "Convolution (NHWC, F32) IGEMM",
            "Delegate/Convolution (NHWC, F32) IGEMM:0",
            *(9.251, pytest.approx(0.185), 1),
        ),
        OpTime("SOFTMAX", "[StatefulPartitionedCall:0]:67", 0.012, pytest.approx(0.00024), 2),
    )
    assert (record.mean_ms, record.warmup_ms, record.runs) == (50.1005, 50.9121, 20)


def test_an_op_profile_whose_tabs_a_terminal_replaced():
    assert parse_benchmark_log(logs.OP_PROFILE.replace("\t", "   ")).op_profile == (
        parse_benchmark_log(logs.OP_PROFILE).op_profile
    )


def test_litert():
    record = parse_benchmark_log(logs.LITERT)
    assert (record.status, record.binary) == ("ok", "litert")
    assert (record.delegate, record.delegation) == ("gpu", "full")
    assert (record.init_ms, record.first_ms, record.warmup_ms) == (123.45, 1.91, 0.58)
    assert (record.mean_ms, record.std_ms, record.runs) == (0.46, 0.01, 2112)
    assert (record.min_ms, record.max_ms, record.memory_mb) == (0.41, 0.97, 44.5)
    assert (record.median_ms, record.p95_ms, record.peak_memory_mb) == (None, None, None)


def test_litert_with_the_lines_that_the_classic_tool_prints_too():
    counts = "count=9 first=600 curr=500 min=500 max=600 avg=511 std=9\n\n" + (
        "count=2112 first=460 curr=470 min=411 max=970 avg=461.25 std=12 p5=420 median=459 "
        "p95=500\n"
    )
    record = parse_benchmark_log(counts + logs.LITERT)
    assert (record.binary, record.mean_ms, record.median_ms) == ("litert", 0.46125, 0.459)


def test_a_failure():
    record = parse_benchmark_log(logs.FAILED)
    assert record.status == "failed"
    assert record.error == "Disallowed CPU fallback detected."
    assert record.unsupported_ops == (UnsupportedOp("ARG_MAX", "Operation is not supported."),)
    assert (record.mean_ms, record.runs) == (None, None)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "count=9 first=1 curr=1 min=1 max=9 avg=1.14039e+07 std=5",
            {"mean_ms": 11403.9, "std_ms": 0.005, "runs": 9, "median_ms": None},
        ),
        ("count=1 curr=77", {"mean_ms": 0.077, "runs": 1, "median_ms": 0.077, "p95_ms": 0.077}),
        ("count=5 curr=77", {"mean_ms": 0.077, "runs": 5, "std_ms": 0.0, "min_ms": 0.077}),
        ("count=0", {"mean_ms": None, "runs": 0, "std_ms": None}),
        ("count=9 first=x curr=nan min=-4 max=1e999 avg=inf", {"mean_ms": None, "max_ms": None}),
        ("count=999999999999999999999999999999999999999999 curr=1", {"runs": None}),
    ],
)
def test_variants_of_the_statistics(line, expected):
    record = parse_benchmark_log(f"count=1 curr=5\nstray\n\n{line}\n")
    assert some(record, *expected) == expected
    assert record.status == "incomplete"


@pytest.mark.parametrize(
    ("lines", "delegate", "delegation"),
    [
        (["Failed to apply NNAPI delegate."], "nnapi", "none"),
        (["Could not create Hexagon delegate: platform may not support it"], "hexagon", "none"),
        (
            ["Could not find the specified NNAPI accelerator: npu. Must be one of: {a,b}."],
            *("nnapi", "none"),
        ),
        (
            [
                "Though NNAPI delegate is explicitly applied, the model graph will not be executed "
                "by the delegate."
            ],
            *("nnapi", "none"),
        ),
        (
            [
                "Replacing 3 out of 3 node(s) with delegate (TfLiteNnapiDelegate) node, yielding 1 "
                "partitions for subgraph 0.",
                "Restored original execution plan after delegate application failure.",
            ],
            *("nnapi", "none"),
        ),
        (
            [
                "External delegate path : [libQnnTFLiteDelegate.so]",
                "Replacing 3 out of 3 node(s) with delegate (TfLiteQnnDelegate) node, yielding 1 "
                "partitions for subgraph 0.",
                "Explicitly applied EXTERNAL delegate, and the model graph will be completely "
                "executed by the delegate.",
            ],
            *("qnn", "full"),
        ),
        (
            [
                "Use gpu: [1]",
                "Replacing 3 out of 3 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding "
                "1 partitions for subgraph 0.",
            ],
            *("gpu", "none"),
        ),
        (
            [
                "Replacing 3 out of 3 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding "
                "1 partitions for subgraph 0.",
            ],
            *("xnnpack", "full"),
        ),
        (["Use gpu: [1]"], "gpu", None),
        (["Use gpu: [0]"], None, None),
        (["Use gpu: [1]", "Require full delegation: [1]", logs.FALLBACK[-140:]], "gpu", "full"),
        (["Use gpu: [1]", "Require full delegation: [1]"], "gpu", None),
    ],
)
def test_delegation(lines, delegate, delegation):
    record = parse_benchmark_log("\n".join(lines) + "\n")
    assert (record.delegate, record.delegation) == (delegate, delegation)


def test_the_accelerators_that_an_error_lists():
    record = parse_benchmark_log(
        "ERROR: Could not find the specified NNAPI accelerator: npu. Must be one of: {a,b}.\n"
    )
    assert record.accelerators == ("a", "b")


def test_flags_that_the_binary_does_not_know():
    record = parse_benchmark_log("WARN: Unconsumed cmdline flags: --use_npu=1 --x=y\n")
    assert record.unknown_flags == ("--use_npu=1", "--x=y")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("Segmentation fault", "failed"),
        ("Aborted (core dumped)", "failed"),
        ("/system/bin/sh: ./benchmark_model: inaccessible or not found", "failed"),
        ('CANNOT LINK EXECUTABLE "./b": library "libx.so" not found', "failed"),
        ("", "incomplete"),
        ("error: device 'x' not found?", "incomplete"),
    ],
)
def test_a_run_without_a_result(line, status):
    record = parse_benchmark_log(f"INFO: STARTING!\n{line}\n")
    assert record.status == status
    assert record.error == (line if status == "failed" else None)


def test_a_crash_after_the_result_keeps_it():
    record = parse_benchmark_log(logs.CLASSIC_GPU + "Segmentation fault\n")
    assert (record.status, record.mean_ms) == ("ok", 11.9854)
    assert record.error == "Segmentation fault"


def test_a_failure_after_the_result():
    record = parse_benchmark_log(logs.CLASSIC_GPU + "ERROR: Benchmarking failed.\n")
    assert record.status == "failed"
