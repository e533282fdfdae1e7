"""What tells binaries apart where several of the same kind ran."""

from collections.abc import Iterable

from tflite_tools.android.records import AndroidRun


def program_names(runs: Iterable[AndroidRun]) -> dict[str, str]:
    """A name for each `program` whose kind does not say which one it is.

    It is the file's name, and with it the hash where two files are called the same. What is the
    only one of its kind has no name here.
    """
    kinds = {run.program: run.binary for run in runs}
    alike = list(kinds.values())
    several = [program for program, kind in kinds.items() if alike.count(kind) > 1 and program]
    files = [program.rpartition(" ")[0] for program in several]
    return {
        program: file if files.count(file) == 1 else program
        for program, file in zip(several, files, strict=True)
    }
