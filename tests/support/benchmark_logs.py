"""Logs in the forms that benchmark binaries print, written by hand from what their sources say."""

CLASSIC_GPU = """\
INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Num threads: [4]
INFO: Graph: [/data/local/tmp/model.tflite]
INFO: Use gpu: [1]
INFO: Loaded model /data/local/tmp/model.tflite
INFO: Initialized TensorFlow Lite runtime.
INFO: Created TensorFlow Lite delegate for GPU.
INFO: GPU delegate created.
VERBOSE: Replacing 68 out of 68 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 1 \
partitions for subgraph 0.
INFO: Initialized OpenCL-based API.
INFO: Created 1 GPU delegate kernels.
INFO: Explicitly applied GPU delegate, and the model graph will be completely executed by the \
delegate.
INFO: The input model file size (MB): 17.9021
INFO: Initialized session in 466.002ms.
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if \
exceeding 150 seconds.
INFO: count=41 first=14501 curr=12011 min=11904 max=14501 avg=12222.3 std=391 p5=11950 \
median=12150 p95=12800

INFO: Running benchmark for at least 50 iterations and at least 1 seconds but terminate if \
exceeding 150 seconds.
INFO: count=84 first=12100 curr=11930 min=11870 max=12601 avg=11985.4 std=97 p5=11890 \
median=11970 p95=12150

INFO: Inference timings in us: Init: 466002, First inference: 14501, Warmup (avg): 12222.3, \
Inference (avg): 11985.4
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only \
APPROXIMATE to the actual memory footprint of the model at runtime. Take the information at your \
discretion.
INFO: Memory footprint delta from the start of the tool (MB): init=98.1172 overall=112.543
INFO: Overall peak memory footprint (MB) via periodic monitoring: 131.297
"""

# What was asked for failed; the CPU ran it, and the exit code is 0.
FALLBACK = """\
INFO: STARTING!
INFO: Use gpu: [1]
INFO: Loaded model /data/local/tmp/model.tflite
WARN: GPU acceleration is unsupported on this platform.
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
VERBOSE: Replacing 68 out of 68 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 1 \
partitions for subgraph 0.
INFO: Initialized session in 21.5ms.
INFO: count=3 first=50000 curr=41000 min=41000 max=50000 avg=44000 std=4320

INFO: count=50 first=40100 curr=40300 min=39900 max=41000 avg=40211.5 std=210

INFO: Inference timings in us: Init: 21500, First inference: 50000, Warmup (avg): 44000, \
Inference (avg): 40211.5
"""

PARTIAL = """\
INFO: STARTING!
INFO: Use gpu: [1]
ERROR: Following operations are not supported by GPU delegate:
ARG_MAX: Operation is not supported.
CAST: Not supported Cast case.
stray line of another process
ARG_MAX: Operation is not supported.
DEQUANTIZE:\x20
66 operations will run on the GPU, and the remaining 2 operations will run on the CPU.
INFO: Replacing 66 out of 68 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 2 \
partitions for subgraph 0.
INFO: Explicitly applied GPU delegate, and the model graph will be partially executed by the \
delegate w/ 2 delegate kernels.
INFO: Initialized session in 66.002ms.
INFO: count=1 curr=751932

INFO: count=50 first=20100 curr=20300 min=19900 max=21000 avg=20211.5 std=210

INFO: Inference timings in us: Init: 66002, First inference: 751932, Warmup (avg): 751932, \
Inference (avg): 20211.5
"""

NNAPI = """\
STARTING!
Use NNAPI: [1]
NNAPI accelerator name: [qti-dsp]
NNAPI accelerators available: [qti-default,qti-dsp,qti-gpu,nnapi-reference]
Loaded model /data/local/tmp/model.tflite
INFO: Replacing 67 out of 68 node(s) with delegate (TfLiteNnapiDelegate) node, yielding 2 \
partitions for the whole graph.
INFO: Replacing 1 out of 3 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 1 \
partitions for the whole graph.
Explicitly applied NNAPI delegate, and the model graph will be partially executed by the \
delegate w/ 2 delegate kernels.
Initialized session in 1200.5ms.
count=5 curr=9000

count=100 first=8100 curr=8100 min=8000 max=9000 avg=8123.25 std=88

Inference timings in us: Init: 1200500, First inference: 9000, Warmup (avg): 9000, \
Inference (avg): 8123.25
Peak memory footprint (MB): init=12.5 overall=30.25
"""

OF_2019 = """\
STARTING!
Num runs: [50]
Use gpu : [0]
Allow fp16 : [0]
Loaded model mobilenet.tflite
resolved reporter
Initialized session in 21.039ms
Running benchmark for at least 1 iterations and at least 0.5 seconds
count=6 first=91810 curr=85097 min=84834 max=91810 avg=86184.3 std=2519

Running benchmark for at least 50 iterations and at least 1 seconds
count=50 first=118810 curr=114219 min=88216 max=129193 avg=115062 std=7678

Average inference timings in us: Warmup: 86184.3, Init: 21039, no stats: 115062
============================== Run Order ==============================
\t             [node type]\t  [start]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t\
[times called]\t[Name]
\t                 CONV_2D\t    0.000\t    5.567\t    7.237\t  6.297%\t  6.297%\t     0.000\t\
        1\t[MobilenetV2/Conv/Relu6]
\t       DEPTHWISE_CONV_2D\t    7.241\t    3.518\t    3.726\t  3.243%\t  9.539%\t     0.000\t\
        1\t[MobilenetV2/expanded_conv/depthwise/Relu6]

============================== Top by Computation Time ==============================
\t                 CONV_2D\t    0.000\t    5.567\t    7.237\t  6.297%\t  6.297%\t     0.000\t\
        1\t[MobilenetV2/Conv/Relu6]

Number of nodes executed: 2
============================== Summary by node type ==============================
\t             [Node type]\t  [count]\t  [avg ms]\t    [avg %]\t    [cdf %]\t  [mem KB]\t\
[times called]
\t                 CONV_2D\t        1\t     7.237\t     6.297%\t     6.297%\t     0.000\t        1

Timings (microseconds): count=50 first=118000 curr=114000 min=88000 max=129000 avg=115000 std=7600
Memory (bytes): count=0
2 nodes observed
"""

_HEADER = (
    "\t             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t"
    "[times called]\t[Name]\n"
)
_ALLOCATION = (
    "\t         AllocateTensors\t   12.505\t   12.505\t100.000%\t100.000%\t     0.000\t"
    "        1\tAllocateTensors/0\n"
)
OP_PROFILE = f"""\
INFO: STARTING!
INFO: Enable op profiling: [1]
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: Initialized session in 12.505ms.
Profiling Info for Benchmark Initialization:
============================== Run Order ==============================
{_HEADER}{_ALLOCATION}
============================== Top by Computation Time ==============================
{_HEADER}{_ALLOCATION}
Number of nodes executed: 1
Timings (microseconds): count=1 curr=12505
Memory (bytes): count=0
1 nodes observed

INFO: count=10 first=60000 curr=50000 min=49000 max=60000 avg=50912.1 std=3000 p5=49000 \
median=50000 p95=60000

INFO: count=20 first=50000 curr=50100 min=49000 max=52000 avg=50100.5 std=640 p5=49100 \
median=50050 p95=51900

INFO: Inference timings in us: Init: 12505, First inference: 60000, Warmup (avg): 50912.1, \
Inference (avg): 50100.5
INFO: Memory footprint delta from the start of the tool (MB): init=1.5 overall=20.0625
Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
{_HEADER}\
\tConvolution (NHWC, F32) IGEMM\t    9.123\t    9.251\t 18.500%\t 18.500%\t     0.000\t        1\t\
Delegate/Convolution (NHWC, F32) IGEMM:0
\t                 SOFTMAX\t    0.010\t    0.012\t  0.024%\t 18.524%\t     0.000\t        2\t\
[StatefulPartitionedCall:0]:67

============================== Top by Computation Time ==============================
{_HEADER}\
\t                 SOFTMAX\t    0.010\t    0.012\t  0.024%\t 18.524%\t     0.000\t        2\t\
[StatefulPartitionedCall:0]:67

Number of nodes executed: 2
Timings (microseconds): count=20 first=50000 curr=50100 min=49000 max=52000 avg=50100 std=640
Memory (bytes): count=0
2 nodes observed
"""

LITERT = """\
INFO: [benchmark_litert_model.cc:96] dispatch_library_path:\x20
INFO: [benchmark_litert_model.cc:113] Loading model from: /data/local/tmp/model.tflite
INFO: [auto_registration.cc:148] GPU accelerator registered.
INFO: Replacing 68 out of 68 node(s) with delegate (LITERT_CL) node, yielding 1 partitions for \
subgraph 0.
INFO: [benchmark_litert_model.h:71]\x20
========== BENCHMARK RESULTS ==========
INFO: [benchmark_litert_model.h:72] Model initialization: 123.45 ms
INFO: [benchmark_litert_model.h:73] Warmup (first):       1.91 ms
INFO: [benchmark_litert_model.h:75] Warmup (avg):         0.58 ms (860 runs)
INFO: [benchmark_litert_model.h:77] Inference (avg):      0.46 ms (2112 runs)
INFO: [benchmark_litert_model.h:81] Inference (min):      0.41 ms
INFO: [benchmark_litert_model.h:83] Inference (max):      0.97 ms
INFO: [benchmark_litert_model.h:85] Inference (std):      0.01
INFO: [benchmark_litert_model.h:92] Throughput:           431.20 MB/s
INFO: [benchmark_litert_model.h:101]\x20
Memory Usage:
INFO: [benchmark_litert_model.h:103] Init footprint:       40.25 MB
INFO: [benchmark_litert_model.h:105] Overall footprint:    44.50 MB
INFO: [benchmark_litert_model.h:114] Peak memory usage not available. (peak_mem_mb <= 0)
INFO: [benchmark_litert_model.h:118] ======================================
"""

FAILED = """\
INFO: STARTING!
INFO: Use gpu: [1]
INFO: Require full delegation: [1]
ERROR: Following operations are not supported by GPU delegate:
ARG_MAX: Operation is not supported.
67 operations will run on the GPU, and the remaining 1 operations will run on the CPU.
INFO: Replacing 67 out of 68 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 1 \
partitions for subgraph 0.
ERROR: Disallowed CPU fallback detected.
ERROR: Benchmarking failed.
"""

ALL = {
    "classic_gpu": CLASSIC_GPU,
    "fallback": FALLBACK,
    "partial": PARTIAL,
    "nnapi": NNAPI,
    "2019": OF_2019,
    "op_profile": OP_PROFILE,
    "litert": LITERT,
    "failed": FAILED,
}
