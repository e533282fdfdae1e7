import io
import logging
import os
import subprocess
import sys
import textwrap
import warnings

import pytest

from tflite_tools.quiet import silenced

NOISE_AND_SIGNAL = textwrap.dedent(
    """
    import ctypes, logging, os, subprocess, sys, warnings
    from tflite_tools.quiet import silenced

    print("before")
    with silenced() as noise:
        print("noise 1")
        print("noise 2", file=sys.stderr)
        os.write(1, b"noise 3\\n")
        os.write(2, b"noise 4\\n")
        ctypes.CDLL(None).puts(b"noise 5")
        subprocess.run([sys.executable, "-c", "print('noise 6')"])
        warnings.warn("noise 7")
        logging.basicConfig()
        logging.warning("noise 8")
    print("after")
    logging.warning("later")
    """
)


def test_nothing_printed_inside_gets_out_and_everything_around_it_does(run_python):
    result = run_python("-c", NOISE_AND_SIGNAL)
    assert result.stdout == "before\nafter\n"
    assert result.stderr == "WARNING:root:later\n"


@pytest.mark.parametrize("redirection", ["<&- >&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors_stay_closed_and_do_no_harm(run_python, tmp_path, redirection):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import os, pathlib, sys
            from tflite_tools.quiet import silenced

            def is_open(descriptor):
                try:
                    os.fstat(descriptor)
                except OSError:
                    return False
                return True

            before = [is_open(descriptor) for descriptor in range(3)]
            with silenced() as noise:
                print("python")
                os.write(1, b"descriptor 1\\n")
                os.write(2, b"descriptor 2\\n")
                tail = noise.tail()
            assert [is_open(descriptor) for descriptor in range(3)] == before
            pathlib.Path(sys.argv[1]).write_text(tail)
            """
        )
    )
    command = f'exec "{sys.executable}" "{script}" "{tmp_path}/tail" {redirection}'
    run_python("-c", f"import subprocess; subprocess.run({command!r}, shell=True, check=True)")
    assert (tmp_path / "tail").read_text() == "python\ndescriptor 1\ndescriptor 2"


def test_tail_gives_the_last_lines_of_both_worlds():
    with silenced() as noise:
        print("first")
        os.write(2, b"second\n\n")
        assert noise.tail() == "first\nsecond"
        print("third")
        assert noise.tail(lines=2) == "second\nthird"


def test_streams_come_back_after_an_exception(capfd):
    streams = sys.stdout, sys.stderr

    def interrupted():
        with silenced():
            print("noise")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (sys.stdout, sys.stderr) == streams
    print("python")
    subprocess.run("echo descriptor", shell=True, check=True)
    assert capfd.readouterr().out == "python\ndescriptor\n"


@pytest.mark.parametrize("stream", [None, io.StringIO()], ids=["none", "no fileno"])
def test_streams_without_a_descriptor(monkeypatch, stream):
    monkeypatch.setattr(sys, "stdout", stream)
    with silenced() as noise:
        print("noise")
        assert noise.tail() == "noise"
    assert sys.stdout is stream
    assert stream is None or stream.getvalue() == ""


def test_a_logging_handler_made_inside_writes_outside(capsys):
    with silenced():
        handler = logging.StreamHandler()
    record = logging.LogRecord("name", logging.WARNING, "path", 1, "later", None, None)
    handler.emit(record)
    assert capsys.readouterr().err == "later\n"


def test_blocks_nest(capfd):
    with silenced() as outer:
        print("outer")
        with silenced() as inner:
            print("inner")
            assert inner.tail() == "inner"
        print("outer again")
        assert outer.tail() == "outer\nouter again"
    assert capfd.readouterr() == ("", "")


def test_warnings_are_dropped_inside_only():
    with silenced():
        warnings.warn("noise", stacklevel=1)
    with pytest.warns(UserWarning, match="signal"):
        warnings.warn("signal", stacklevel=1)
