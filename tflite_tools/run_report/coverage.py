"""What delegates take of the files, by the rules of their sources."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tflite_tools.delegates import DelegateReport, load_targets
from tflite_tools.errors import ToolError
from tflite_tools.inspection import ModelReport, inspect_model
from tflite_tools.run_report.files import KnownFile
from tflite_tools.run_report.records import Accuracy, Coverage, FileEntry

GENERIC = "generic-android"


def target_of(soc: str | None) -> str:
    """The target with a phone's chip; "generic-android" if there is none."""
    name = (soc or "").lower().replace(" ", "-")
    return name if name in load_targets() else GENERIC


def inspected(
    known: KnownFile, targets: Sequence[str], accuracies: tuple[Accuracy, ...]
) -> tuple[FileEntry, tuple[Coverage, ...]]:
    """A file as it is now, and what the delegates of some phones take of it."""
    path = known.located()
    reports: list[ModelReport] = []
    missing = known.why_missing() if path is None else None
    if path is not None:
        try:
            reports = [inspect_model(path, target=target) for target in targets]
        except ToolError as error:
            missing = str(error)
    return _entry(known, reports, accuracies, missing), tuple(_coverage(known.name, reports))


def _entry(
    known: KnownFile,
    reports: Sequence[ModelReport],
    accuracies: tuple[Accuracy, ...],
    missing: str | None,
) -> FileEntry:
    report = reports[0] if reports else None
    target = report.target if report else None
    return FileEntry(
        name=known.name,
        path=Path(known.paths[0]),
        sha256=known.sha256,
        size_bytes=report.size_bytes if report else None,
        precision=target.precision if target else None,
        macs=sum(operator.macs for operator in report.operators) if report else None,
        accuracies=accuracies,
        missing=missing,
        not_counted=tuple(dict.fromkeys(report.not_counted)) if report else (),
    )


def _coverage(name: str, reports: Iterable[ModelReport]) -> Iterable[Coverage]:
    for report in reports:
        if report.target is None:
            continue
        for delegate in report.target.delegates:
            yield Coverage(
                file=name,
                target=report.target.target.name,
                delegate=delegate.delegate,
                coverage=delegate.coverage,
                taken=delegate.operators,
                operators=len(delegate.decisions),
                mac_share=delegate.mac_share,
                partitions=len(delegate.partitions),
                verdict=delegate.verdict,
                reasons=_reasons(delegate),
            )


def _reasons(report: DelegateReport) -> tuple[str, ...]:
    against = Counter(
        (decision.op, decision.reason or "no reason known")
        for decision in report.decisions
        if decision.status != "taken"
    )
    return tuple(f"{op}×{count} {reason}" for (op, reason), count in against.items())
