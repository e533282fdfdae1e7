"""Work in a process of its own: another Keras backend, the legacy Keras, a crash that stays there.

    result = run_in_worker(some_function, {"spec_file": path, "images": array})

`some_function` is a function at the top of one of our modules. In the worker it may call
`progress("epoch 3 of 10")`, which calls the parent's `on_progress`.
"""

from tflite_tools.worker.child import progress
from tflite_tools.worker.parent import WorkerError, run_in_worker

__all__ = ["WorkerError", "progress", "run_in_worker"]
