"""A process that measures: `python -m training_cost.worker REQUEST.json RESULT.json`.

Two kinds of request. With one `variant`: its memory and FLOPs, in a process that holds nothing
else. With several `variants`: their times, in turns, in one process.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import textwrap
from pathlib import Path
from typing import Any

from training_cost.plan import Comparison

REASON_LENGTH = 300


def main() -> int:
    """Answers the request in one file with another."""
    request, result = map(Path, sys.argv[1:])
    answer = answered(**json.loads(request.read_text(encoding="utf-8")))
    result.write_text(json.dumps(answer), encoding="utf-8")
    return 0


def answered(
    comparison: dict[str, Any], variant: str | None = None, variants: list[str] | None = None
) -> dict[str, Any]:
    import keras

    common = Comparison(**comparison)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy(common.precision)
    return cost(common, variant) if variant else times(common, variants or [])


def cost(common: Comparison, variant: str) -> dict[str, Any]:
    """Peak memory of a step and FLOPs, or why there are none."""
    from training_cost.framework import framework
    from training_cost.variants import NotAvailable

    device = {"version": framework().VERSION, "gpu": framework().gpu_name()}
    try:
        step = built(common, variant)
        step.warm_up()
        return {**device, "memory_bytes": step.peak_bytes(), "flops": step.gradient_flops()}
    except NotAvailable as reason:
        return {**device, "not_available": str(reason)}
    except Exception as error:
        return {**device, "failed": reason_of(error)}


def times(common: Comparison, variants: list[str]) -> dict[str, Any]:
    """Samples of each variant, or why there are none."""
    from training_cost.step import WARM_UP_STEPS
    from training_cost.timing import time_in_turns

    steps, failed = {}, {}
    for variant in variants:
        try:
            steps[variant] = built(common, variant)
        except Exception as error:
            failed[variant] = error
    # Not before all are built: seeding the next one makes TensorFlow prepare the graphs it has
    # anew, in the middle of the first round.
    samples, errors = time_in_turns(steps, common.rounds, warm_up=WARM_UP_STEPS)
    return {
        "samples": {name: dataclasses.asdict(sample) for name, sample in samples.items()},
        "failed": {name: reason_of(error) for name, error in {**failed, **errors}.items()},
    }


def built(common: Comparison, variant: str) -> Any:
    import keras

    from training_cost.step import SEED, TrainingStep
    from training_cost.variants import CONSTRUCTIONS, build

    keras.utils.set_random_seed(SEED)
    model = build(common.network, variant, common.side)
    return TrainingStep(model, common.batch, clips_gradients=CONSTRUCTIONS[variant].clips_gradients)


def reason_of(error: Exception) -> str:
    return textwrap.shorten(f"{type(error).__name__}: {error}", REASON_LENGTH)


if __name__ == "__main__":
    sys.exit(main())
