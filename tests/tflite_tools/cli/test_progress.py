from pathlib import Path

import pytest

from tflite_tools.cli.progress import progress_bars
from tflite_tools.cli.qat import _tell
from tflite_tools.qat.records import QatEpoch, epoch_line

EPOCHS = [QatEpoch(number, None if number == 0 else 0.5, 0.4, 0.9, 1.0) for number in range(3)]


@pytest.fixture
def terminal(monkeypatch, capsys):
    """Function that makes standard error a terminal, and returns what was written there."""
    import sys

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    return lambda: capsys.readouterr().err


def test_epochs_stand_above_their_bar(terminal):
    with progress_bars() as bars:
        for epoch in EPOCHS:
            _tell(epoch, Path("folder/[model].keras"), 2, bars)
    shown = terminal()
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


def test_quiet_draws_nothing(terminal):
    with progress_bars(quiet=True) as bars:
        assert bars is None
    assert terminal() == ""
