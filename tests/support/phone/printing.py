"""The lines of the two tools, in the order in which they print them."""

from dataclasses import dataclass

_DELEGATES = {
    "use_gpu": ("gpu", "GPU", "TfLiteGpuDelegateV2"),
    "use_nnapi": ("NNAPI", "NNAPI", "TfLiteNnapiDelegate"),
    "use_hexagon": ("hexagon", "HEXAGON", "TfLiteHexagonDelegate"),
    "external_delegate_path": (None, "EXTERNAL", "TfLiteQnnDelegate"),
}


@dataclass
class Printed:
    """What goes to standard output first, then to standard error, then to standard output."""

    start: str
    errors: str
    end: str
    failed: bool = False


def printed_classic(flags, behaviour, latency, nodes):
    """TFLite's tool, on a model of so many operators."""
    asked = next((names for flag, names in _DELEGATES.items() if flag in flags), None)
    start = f"INFO: STARTING!\nINFO: Graph: [{flags['graph']}]\n"
    if "num_threads" in flags:
        start += f"INFO: Num threads: [{flags['num_threads']}]\n"
    if asked and asked[0]:
        start += f"INFO: Use {asked[0]}: [1]\n"
    if asked and asked[1] == "NNAPI":
        start += "INFO: NNAPI accelerators available: [qti-default,qti-dsp,nnapi-reference]\n"
    start += f"INFO: Loaded model {flags['graph']}\n"
    errors, failed = "", False
    if asked and behaviour == "refused":
        errors = f"ERROR: Failed to apply {asked[1]} delegate.\nERROR: Benchmarking failed.\n"
        failed = True
    elif asked and behaviour == "fallback":
        errors = (
            f"ERROR: Failed to apply {asked[1]} delegate.\n"
            "ERROR: Restored original execution plan after delegate application failure.\n"
        )
        start += _xnnpack(nodes)
    elif asked and behaviour == "partial":
        errors = (
            f"ERROR: Following operations are not supported by {asked[1]} delegate:\n"
            "ARG_MAX: Operation is not supported.\n"
            f"{nodes - 1} operations will run on the GPU, and the remaining 1 operations will run "
            "on the CPU.\n"
        )
        start += _applied(
            asked, nodes - 1, nodes, "partially executed by the delegate w/ 1 delegate kernels"
        )
    elif asked and behaviour != "silent":
        start += _applied(asked, nodes, nodes, "completely executed by the delegate")
    elif not asked:
        start += _xnnpack(nodes)
    runs = int(flags["num_runs"])
    end = (
        "INFO: Initialized session in 12.5ms.\n"
        f"INFO: count=5 first={latency * 2} curr={latency} min={latency} max={latency * 2} "
        f"avg={latency * 1.2:g} std=20 p5={latency} median={latency} p95={latency * 2}\n\n"
        f"INFO: count={runs} first={latency} curr={latency} min={latency} max={latency + 9} "
        f"avg={latency + 1:g} std=2 p5={latency} median={latency} p95={latency + 5}\n\n"
        f"INFO: Inference timings in us: Init: 12500, First inference: {latency * 2}, "
        f"Warmup (avg): {latency * 1.2:g}, Inference (avg): {latency + 1:g}\n"
        "INFO: Memory footprint delta from the start of the tool (MB): init=1.5 overall=20.0625\n"
    )
    return Printed(start, errors, end, failed)


def _applied(asked, taken, nodes, how):
    return (
        f"INFO: Replacing {taken} out of {nodes} node(s) with delegate ({asked[2]}) node, "
        "yielding 1 partitions for subgraph 0.\n"
        f"INFO: Explicitly applied {asked[1]} delegate, and the model graph will be {how}"
        ".\n"
    )


def _xnnpack(nodes):
    return (
        "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
        f"INFO: Replacing {nodes} out of {nodes} node(s) with delegate (TfLiteXNNPackDelegate) "
        "node, yielding 1 partitions for subgraph 0.\n"
    )


def printed_litert(flags, behaviour, latency, nodes):
    """LiteRT's tool."""
    start = (
        "INFO: [benchmark_litert_model.cc:96] dispatch_library_path: \n"
        f"INFO: [benchmark_litert_model.cc:113] Loading model from: {flags['graph']}\n"
    )
    errors, failed = "", False
    if flags.get("use_gpu") == "true" and behaviour == "refused":
        errors = "ERROR: Failed to compile model.\nERROR: Benchmarking failed.\n"
        failed = True
    elif flags.get("use_gpu") == "true" and behaviour not in ("fallback", "silent"):
        taken = nodes - 1 if behaviour == "partial" else nodes
        start += (
            f"INFO: Replacing {taken} out of {nodes} node(s) with delegate (LITERT_CL) node, "
            "yielding 1 partitions for subgraph 0.\n"
        )
    else:
        start += _xnnpack(nodes)
    end = (
        "INFO: [benchmark_litert_model.h:71] \n========== BENCHMARK RESULTS ==========\n"
        "INFO: [benchmark_litert_model.h:72] Model initialization: 12.50 ms\n"
        f"INFO: [benchmark_litert_model.h:73] Warmup (first):       {latency / 500:.2f} ms\n"
        f"INFO: [benchmark_litert_model.h:75] Warmup (avg):         {latency / 800:.2f} ms "
        "(5 runs)\n"
        f"INFO: [benchmark_litert_model.h:77] Inference (avg):      {latency / 1000:.2f} ms "
        f"({flags['num_runs']} runs)\n"
        f"INFO: [benchmark_litert_model.h:81] Inference (min):      {latency / 1000:.2f} ms\n"
        f"INFO: [benchmark_litert_model.h:83] Inference (max):      {latency / 900:.2f} ms\n"
        "INFO: [benchmark_litert_model.h:85] Inference (std):      0.01\n"
        "INFO: [benchmark_litert_model.h:105] Overall footprint:    44.50 MB\n"
        "INFO: [benchmark_litert_model.h:118] ======================================\n"
    )
    return Printed(start, errors, end, failed)
