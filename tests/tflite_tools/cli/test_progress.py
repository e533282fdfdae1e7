import sys
from pathlib import Path

import pytest

from tflite_tools.cli.progress import progress_bars
from tflite_tools.cli.qat import _tell
from tflite_tools.quantization_aware.records import QatEpoch, epoch_line

EPOCHS = [QatEpoch(number, None if number == 0 else 0.5, 0.4, 0.9, 1.0) for number in range(3)]


@pytest.fixture
def make_terminal(monkeypatch):
    """Function that makes standard error a terminal; to be called once it is captured."""

    def make():
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setenv("TERM", "xterm")

    return make


def test_epochs_stand_above_their_bar(make_terminal, capsys):
    make_terminal()
    with progress_bars() as bars:
        for epoch in EPOCHS:
            _tell(epoch, Path("folder/[model].keras"), 2, bars)
    shown = capsys.readouterr().err
    for epoch in EPOCHS:
        assert epoch_line(epoch) in shown
    assert "[model].keras" in shown
    assert "2/2" in shown
    assert "folder" not in shown


def test_without_a_terminal_there_are_lines_only(capsys):
    with progress_bars() as bars:
        assert bars is None
        _tell(EPOCHS[1], Path("x.keras"), 2, bars)
    assert capsys.readouterr().err == f"{epoch_line(EPOCHS[1])}\n"


def test_quiet_draws_nothing(make_terminal, capsys):
    make_terminal()
    with progress_bars(quiet=True) as bars:
        assert bars is None
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("said", [(), ("S1: interrupted after 1 finished runs.", "S2: lost.")])
def test_an_interruption_is_said(capsys, said):
    with pytest.raises(KeyboardInterrupt), progress_bars(quiet=True):
        raise KeyboardInterrupt(*said)
    lines = [f"tflite-tools: {line}" for line in said or ("interrupted.",)]
    assert capsys.readouterr().err.splitlines() == lines
