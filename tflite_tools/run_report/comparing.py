"""What the rules say that a delegate takes, beside what a device's own log says."""

from collections.abc import Iterable, Sequence

from tflite_tools.android.records import AndroidRun
from tflite_tools.run_report.records import Agreement, Comparison, Coverage

_RULES = {"cpu": "xnnpack", "gpu": "gpu-opencl", "hexagon": "hexagon", "qnn": "qnn-htp"}
_FIRST_NNAPI, _LAST_NNAPI = 27, 31


def rule_of(delegate: str, api_level: int | None) -> str | None:
    """The rules that a delegate follows on a phone; None if they hang on what is not known.

    NNAPI's hang on Android's version: there are rules for API level 27 to 31.
    """
    name = delegate.partition(":")[0]
    if name != "nnapi":
        return _RULES.get(name)
    if api_level is None or api_level < _FIRST_NNAPI:
        return None
    return f"nnapi-{min(api_level, _LAST_NNAPI)}"


def compared(
    runs: Iterable[AndroidRun],
    *,
    file: str,
    place: str,
    program: str | None,
    rule: str | None,
    predicted: Coverage | None,
) -> list[Comparison]:
    """One comparison for each thing that the logs of a combination's runs say.

    Args:
        runs: Runs of one file with one delegate and one binary.
        file: What the report calls the file.
        place: What it calls the phone.
        program: What it calls the binary, if there were several of its kind.
        rule: The rules to compare with.
        predicted: What they say; None if the phone's target has no such delegate.
    """
    said: dict[tuple[str | None, int | None, int | None], list[AndroidRun]] = {}
    for run in runs:
        said.setdefault(_logged(run), []).append(run)
    # A run that broke off says nothing where others of its kind do.
    known = {key: same for key, same in said.items() if key[0] is not None} or said
    return [
        Comparison(
            file=file,
            place=place,
            delegate=same[0].delegate,
            binary=same[0].binary,
            program=program,
            rule=rule,
            predicted=predicted,
            delegation=delegation,
            nodes=nodes,
            taken=taken,
            agreement=agreement(predicted, delegation, taken),
            remark=_remark(same),
        )
        for (delegation, nodes, taken), same in known.items()
    ]


def agreement(predicted: Coverage | None, delegation: str | None, taken: int | None) -> Agreement:
    """Whether rules and log say the same; counts matter where a part is taken only."""
    if predicted is None:
        return "not predicted"
    if delegation is None:
        return "not logged"
    if predicted.coverage == "unknown":
        return "undecided"
    same_count = taken is None or delegation != "partial" or taken == predicted.taken
    return "agrees" if predicted.coverage == delegation and same_count else "differs"


def _logged(run: AndroidRun) -> tuple[str | None, int | None, int | None]:
    record = run.record
    if run.ran_on is None:
        return None, None, None
    # XNNPACK may have taken all that another delegate left.
    own = record.delegate != "xnnpack" or run.delegate == "cpu"
    if not own:
        return "none", None, None
    return record.delegation, record.nodes, record.delegated_nodes


def _remark(runs: Sequence[AndroidRun]) -> str:
    """The log's first complaint, and what it says that the delegate refused."""
    refused = {(op.op, op.reason) for run in runs for op in run.record.unsupported_ops}
    errors = [run.record.error for run in runs if run.record.error]
    parts = [*errors[:1], *(f"{op}: {reason}" if reason else op for op, reason in sorted(refused))]
    return "; ".join(part.rstrip(".") for part in parts)
