import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tflite_tools.errors import ToolError
from tflite_tools.output_folder import output_folder, whole_file


class BrokenError(Exception):
    pass


def test_makes_the_folder_and_keeps_it(tmp_path):
    with output_folder(tmp_path / "out") as folder:
        assert folder.is_dir()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("error", [BrokenError, KeyboardInterrupt, SystemExit])
def test_an_empty_folder_that_was_made_here_goes_on_failure(tmp_path, error):
    def fail():
        with output_folder(tmp_path / "out"):
            raise error

    with pytest.raises(error):
        fail()
    assert not (tmp_path / "out").exists()


def test_completed_files_and_older_folders_stay_on_failure(tmp_path):
    def fail(folder, *names):
        with output_folder(folder):
            for name in names:
                (folder / name).touch()
            raise BrokenError

    (tmp_path / "older").mkdir()
    for folder, names in ((tmp_path / "older", []), (tmp_path / "new", ["done"])):
        with pytest.raises(BrokenError):
            fail(folder, *names)
    assert (tmp_path / "older").is_dir()
    assert (tmp_path / "new" / "done").exists()


def test_where_no_folder_can_be_made(tmp_path):
    file = tmp_path / "file"
    file.touch()
    cases = {
        file: "expected an output folder, got a file",
        file / "out": "file is not a folder",
        tmp_path / "a" / "b": "a is not a folder",
        Path("/proc/out"): "cannot make the output folder",
        Path("/proc/self"): "cannot write to the output folder",
    }
    for folder, message in cases.items():
        with pytest.raises(ToolError, match=message), output_folder(folder):
            pytest.fail("the block must not run")


def test_a_whole_file_replaces_an_older_one_only_when_done(tmp_path):
    final = tmp_path / "model.tflite"
    final.write_text("old")
    with whole_file(final) as temporary:
        temporary.write_text("new")
        assert final.read_text() == "old"
        assert temporary.parent == tmp_path
    assert final.read_text() == "new"
    assert list(tmp_path.iterdir()) == [final]


@pytest.mark.parametrize("error", [BrokenError, KeyboardInterrupt])
def test_of_a_failed_file_nothing_stays(tmp_path, error):
    def fail():
        with whole_file(tmp_path / "model.tflite") as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_the_users_message(tmp_path):
    final = tmp_path / "model.tflite"

    def write():
        with whole_file(final) as temporary:
            temporary.symlink_to("/dev/full")
            temporary.write_bytes(b"content")

    with pytest.raises(ToolError, match=r"model\.tflite: cannot be written: No space left"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_name_too_long_to_write(tmp_path):
    with (
        pytest.raises(ToolError, match="cannot be written: File name too long"),
        whole_file(tmp_path / ("x" * 300)) as temporary,
    ):
        temporary.write_text("content")


def test_what_killed_processes_left_is_removed(tmp_path):
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True
    )
    pid, running = int(gone.stdout), os.getppid()
    host = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
    kept = [
        *(".model.keras", f".model.{host}-{running}-0a.partial.keras"),
        *(f".other.{host}-{pid}-0a.partial.keras", f".model.{host}-{pid}-0a.partial"),
        *(f".model.{'0' * 8}-{pid}-0a.partial.keras", f"model.{host}-{pid}-0a.partial.keras"),
    ]
    for name in (*kept, f".model.{host}-{pid}-0a.partial.keras"):
        (tmp_path / name).touch()
    with whole_file(tmp_path / "model.keras") as temporary:
        assert temporary.suffix == ".keras"
        temporary.touch()
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "model.keras"}


def test_a_pipe_gets_the_content_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with whole_file(pipe) as temporary:
            temporary.write_text("content")
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_device_that_is_full_is_one_line():
    with (
        pytest.raises(
            ToolError, match=r"^/dev/full: cannot be written: No space left on device\.$"
        ),
        whole_file(Path("/dev/full")) as temporary,
    ):
        temporary.write_text("content")
    assert Path("/dev/full").is_char_device()


def test_a_link_is_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere/file", tmp_path / "link"
    link.symlink_to(target)
    for content in ("first", "second"):
        with whole_file(link) as temporary:
            temporary.write_text(content)
        assert link.is_symlink()
        assert target.read_text() == content
    assert [path.name for path in target.parent.iterdir()] == ["file"]
