"""Which strategies there are, and what each needs: checked before anything heavy is imported."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence

from command_line import InputError

NONE, MIRRORED, MULTIWORKER = "none", "mirrored", "multiworker"
STRATEGIES = (NONE, MIRRORED, MULTIWORKER)
TENSORFLOW, JAX = "tensorflow", "jax"

EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", ...}}'


def check_strategy(strategy: str) -> None:
    """Refuses a strategy that the backend or the environment does not allow.

    Raises:
        InputError: with what was expected, what there is and what to do.
    """
    if strategy == NONE:
        return
    backend = os.environ.get("KERAS_BACKEND", TENSORFLOW)
    if backend not in (TENSORFLOW, JAX):
        raise InputError(
            f"--strategy {strategy}: expected KERAS_BACKEND tensorflow (tf.distribute) or jax "
            f"(keras.distribution), got {backend}. Set one of them, or leave --strategy out."
        )
    if strategy == MULTIWORKER and backend == TENSORFLOW:
        _check_cluster(os.environ.get("TF_CONFIG"))


def check_places(places: Iterable[Sequence[int]]) -> None:
    """Refuses processes that would go on from different places.

    Args:
        places: Epoch and step of the checkpoint that each process has found.

    Raises:
        InputError: if they are not all the same.
    """
    all_places = [tuple(place) for place in places]
    if len(set(all_places)) > 1:
        found = ", ".join(f"epoch {epoch + 1}, step {step}" for epoch, step in all_places)
        raise InputError(
            "--out: expected all workers to find the same checkpoint, got one at "
            f"{found}. Give all of them one folder that they share."
        )


def check_alike(processes: Iterable[Sequence[int]]) -> None:
    """Refuses processes that would not train the same.

    Args:
        processes: Of each, how many images there are to train and to evaluate on, then digests of
            all else.

    Raises:
        InputError: if they are not all the same.
    """
    different = set(map(tuple, processes))
    if len(different) == 1:
        return
    sizes = {each[:2] for each in different}
    if len(sizes) == 1:
        what = "the same options and data sets, got others"
    else:
        found = ", ".join(f"{train:,} and {test:,}" for train, test in sorted(sizes))
        what = f"the same images to train and to evaluate on, got {found}"
    raise InputError(f"--strategy: expected all workers to have {what}. Start them alike.")


def _check_cluster(text: str | None) -> None:
    if text is None:
        raise InputError(
            "--strategy multiworker: expected TF_CONFIG with the addresses of all workers and "
            f"which of them this is, got none. Set it on each worker: {EXAMPLE}"
        )
    try:
        config = json.loads(text)
        workers, task = config["cluster"]["worker"], config["task"]
        sound = task["type"] == "worker" and 0 <= task["index"] < len(workers)
    except (ValueError, LookupError, TypeError):
        sound = False
    if not sound:
        raise InputError(
            f"--strategy multiworker: expected TF_CONFIG like {EXAMPLE} with the index of one of "
            f"its workers, got {text[:200]}"
        )
    if set(config["cluster"]) != {"worker"}:
        raise InputError(
            "--strategy multiworker: expected workers only in TF_CONFIG, of which the first saves "
            f"the model, got {', '.join(config['cluster'])}."
        )
