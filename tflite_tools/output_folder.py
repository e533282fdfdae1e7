"""A folder to write results to, in which nothing half-written stays behind."""

import contextlib
import hashlib
import os
import platform
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tflite_tools.errors import ToolError


@contextlib.contextmanager
def output_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Makes the folder if need be and checks at once that files can be written to it.

    A folder that was made here is removed again if the block fails before it wrote a file.
    """
    folder = _as_path(path)
    made = _make(folder)
    try:
        _check_writable(folder)
        yield folder
    except BaseException:
        if made:
            with contextlib.suppress(OSError):  # it holds files that were completed
                folder.rmdir()
        raise


@contextlib.contextmanager
def whole_file(final: Path) -> Iterator[Path]:
    """Yields a temporary name beside `final`; it gets that name when the block succeeds.

    It ends like `final`, as some writers insist on. What processes that were killed have left of
    the same file is removed.

    What a link leads to is replaced, not the link. A device or a pipe, such as /dev/stdout, stays
    what it is, and gets the content.
    """
    if os.path.isdir(final):  # noqa: PTH112  (Path's raises on long names)
        raise ToolError(f"{final}: expected a file or nothing there, got a folder. Remove it.")
    if os.path.exists(final) and not os.path.isfile(final):  # noqa: PTH110, PTH113
        with tempfile.TemporaryDirectory() as folder, _named(final):
            yield Path(folder) / final.name
            _copy(Path(folder) / final.name, final)
        return
    target = Path(os.path.realpath(final))
    temporary = _temporary_name(target)
    _remove_leftovers(target)
    try:
        with _named(final):
            yield temporary
            temporary.replace(target)
    finally:
        # A name that cannot be written cannot be removed either; the error above says so.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _named(final: Path) -> Iterator[None]:
    """Says of which file it is that something cannot be written."""
    try:
        yield
    except OSError as error:
        raise ToolError(f"{final}: cannot be written: {error.strerror}.") from error


def _copy(content: Path, stream: Path) -> None:
    with stream.open("wb") as file:
        file.write(content.read_bytes())


def replaceable_file(folder: Path, stem: str, is_same: Callable[[Path], bool]) -> Path:
    """The first of `stem.json`, `stem-2.json` and so on where nothing would be lost.

    Args:
        folder: Where.
        stem: The beginning of the name.
        is_same: Whether a file that is there may be replaced; one that cannot be read, for which
            it raises `ToolError`, may not.
    """
    number, path = 1, folder / f"{stem}.json"
    while path.exists() and not _may_be_replaced(path, is_same):
        number += 1
        path = folder / f"{stem}-{number}.json"
    return path


def _may_be_replaced(path: Path, is_same: Callable[[Path], bool]) -> bool:
    try:
        return is_same(path)
    except ToolError:
        return False


def _as_path(path: object) -> Path:
    """Refuses "", which `Path` takes for the current folder."""
    if isinstance(path, str | os.PathLike) and str(path) and "\0" not in str(path):
        return Path(path)
    raise ToolError(
        f"output folder: expected a path, got {path!r}. Name a folder; it is made if missing."
    )


def _make(folder: Path) -> bool:
    if os.path.isdir(folder):  # noqa: PTH112  (Path's raises on long names)
        return False
    if os.path.exists(folder):  # noqa: PTH110
        raise ToolError(f"{folder}: expected an output folder, got a file.")
    if not os.path.isdir(folder.parent):  # noqa: PTH112
        raise ToolError(
            f"{folder}: cannot make the output folder, as {folder.parent} is not a folder. Make "
            "that first or choose another."
        )
    try:
        folder.mkdir()
    except OSError as error:
        raise ToolError(f"{folder}: cannot make the output folder: {error.strerror}.") from error
    return True


def _check_writable(folder: Path) -> None:
    probe = _temporary_name(folder / "probe")
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise ToolError(
            f"{folder}: cannot write to the output folder: {error.strerror}. Choose another."
        ) from error


def _temporary_name(final: Path) -> Path:
    """Hidden, on the same file system, and of this process alone."""
    token = secrets.token_hex(4)  # containers of one name may have processes of one number
    return final.with_name(f".{final.stem}.{_host()}-{os.getpid()}-{token}.partial{final.suffix}")


def _remove_leftovers(final: Path) -> None:
    """Removes those of this machine: on a shared disk others may be at work."""
    stem, suffix = re.escape(final.stem), re.escape(final.suffix)
    leftover = re.compile(rf"\.{stem}\.{_host()}-(\d+)-[0-9a-f]+\.partial{suffix}")
    with contextlib.suppress(OSError):  # a folder that cannot be listed can be written to
        for path in final.parent.iterdir():
            found = leftover.fullmatch(path.name)
            if found and not _is_running(int(found[1])):
                path.unlink(missing_ok=True)


def _host() -> str:
    """This machine in a few characters that any file name may have."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_running(process: int) -> bool:
    if os.name != "posix":  # there the question would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OverflowError, PermissionError):
        pass
    return True
