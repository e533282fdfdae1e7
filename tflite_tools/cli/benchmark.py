"""`tflite-tools benchmark`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tflite_tools.cli.app import app
from tflite_tools.cli.multi_value import MultiValueCommand
from tflite_tools.cli.options import Files, Json, Quiet
from tflite_tools.cli.output import complain, printed
from tflite_tools.cli.progress import progress_bars
from tflite_tools.errors import ToolError

_RUN_FAILED = 1
_ANDROID_FOLDER = "android-benchmark"
_HERE, _PHONES = "On this machine (--host)", "On phones (--android)"


@app.command(cls=MultiValueCommand)
def benchmark(
    ctx: typer.Context,
    files: Files,
    host: Annotated[bool, typer.Option("--host", help="Measure on this machine.")] = False,
    android: Annotated[
        bool, typer.Option("--android", help="Measure on the phones that adb lists.")
    ] = False,
    threads: Annotated[
        list[int],
        typer.Option(
            help="How many threads the CPU may use; each number is measured.",
            metavar="NUMBER...",
            show_default="1 on this machine, 4 on phones",
        ),
    ] = [],  # noqa: B006  (Typer copies it)
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="The folder for results and logs; a phone's run that is there is not repeated.",
            metavar="FOLDER",
            show_default=f"none; {_ANDROID_FOLDER} for phones",
        ),
    ] = None,
    op_profile: Annotated[
        bool,
        typer.Option(
            "--op-profile", help="Time the operators one by one; slows runs on phones down."
        ),
    ] = False,
    rounds: Annotated[
        int,
        typer.Option(help="How many turns each file gets, 5 runs each.", rich_help_panel=_HERE),
    ] = 20,
    binary: Annotated[
        list[Path],
        typer.Option(
            help="Android builds of benchmark_model, TFLite's or LiteRT's.",
            metavar="PATH...",
            rich_help_panel=_PHONES,
        ),
    ] = [],  # noqa: B006
    delegates: Annotated[
        list[str],
        typer.Option(
            help="One or more of cpu, gpu, nnapi, nnapi:ACCELERATOR, hexagon, qnn.",
            metavar="DELEGATE...",
            rich_help_panel=_PHONES,
        ),
    ] = ["cpu"],  # noqa: B006
    serial: Annotated[
        list[str],
        typer.Option(
            help="The phones to use.",
            metavar="SERIAL...",
            show_default="all",
            rich_help_panel=_PHONES,
        ),
    ] = [],  # noqa: B006
    library: Annotated[
        list[Path],
        typer.Option(
            help="The vendor's libraries that hexagon or qnn need, pushed beside the binary.",
            metavar="PATH...",
            rich_help_panel=_PHONES,
        ),
    ] = [],  # noqa: B006
    runs: Annotated[
        int,
        typer.Option(help="How many runs each start of the binary times.", rich_help_panel=_PHONES),
    ] = 50,
    repeats: Annotated[
        int,
        typer.Option(help="How often each combination is started.", rich_help_panel=_PHONES),
    ] = 3,
    cool_down: Annotated[
        float,
        typer.Option(
            help="Seconds between two starts; more while a phone is warm.",
            rich_help_panel=_PHONES,
        ),
    ] = 10.0,
    timeout: Annotated[
        float,
        typer.Option(help="Seconds after which a start is stopped.", rich_help_panel=_PHONES),
    ] = 300.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure .tflite files: on this machine, on connected Android phones, or on both."""
    from tflite_tools.android import AndroidReport, benchmark_android
    from tflite_tools.host import HostReport, benchmark_host

    if not (host or android):
        raise ToolError("benchmark: expected where to measure: add --host, --android or both.")
    _check_places(ctx, {_HERE: host, _PHONES: android})
    reports: dict[str, HostReport | AndroidReport] = {}
    try:
        if host:
            with progress_bars(quiet=quiet) as progress:
                reports["host"] = benchmark_host(
                    files,
                    output,
                    threads=threads or 1,
                    rounds=rounds,
                    op_profile=op_profile,
                    progress=progress,
                )
        if android:
            with progress_bars(quiet=quiet) as progress:
                reports["android"] = benchmark_android(
                    files,
                    _ANDROID_FOLDER if output is None else output,
                    binaries=binary,
                    serials=serial or None,
                    delegates=delegates,
                    libraries=library,
                    threads=threads or 4,
                    runs=runs,
                    repeats=repeats,
                    cool_down=cool_down,
                    timeout=timeout,
                    op_profile=op_profile,
                    progress=progress,
                )
    finally:
        # What this machine gave is shown also where a phone fails afterwards.
        _show(reports, as_json=json, quiet=quiet, several=host and android)
    if not all(report.passed for report in reports.values()):
        raise typer.Exit(_RUN_FAILED)


def _check_places(ctx: typer.Context, asked: Mapping[str, bool]) -> None:
    """Refuses options of a place where nothing is measured, before anything is."""
    for parameter in ctx.command.params:
        place: str = getattr(parameter, "rich_help_panel", None) or ""
        source = ctx.get_parameter_source(parameter.name or "")
        given = source is not None and source.name == "COMMANDLINE"
        if given and place in asked and not asked[place]:
            raise ToolError(
                f"benchmark: {parameter.opts[0]} is for measurements {_sentence_part(place)}, "
                "which was not asked for: add it, or leave the option out."
            )


def _sentence_part(heading: str) -> str:
    return heading[:1].lower() + heading[1:]


def _show(reports: Mapping[str, Any], *, as_json: bool, quiet: bool, several: bool) -> None:
    from tflite_tools.tables import print_report

    with printed("the files were measured"):
        if as_json and several and reports:
            parts = (f'"{name}": {report.to_json()}' for name, report in reports.items())
            print(f"{{{', '.join(parts)}}}")
        elif as_json or not quiet:
            for report in reports.values():
                print_report(report, as_json=as_json)
    for report in reports.values():
        complain(report.complaints())
