"""What an accelerator's delegate will take of a .tflite file, by the rules of its source."""

from tflite_tools.delegates.records import Decision, DelegateReport, Partition
from tflite_tools.delegates.reporting import delegate_report
from tflite_tools.delegates.rules import DELEGATES
from tflite_tools.delegates.target_report import TargetReport, target_report
from tflite_tools.delegates.targets import Attempt, Target, find_target, load_targets

__all__ = [
    "DELEGATES",
    "Attempt",
    "Decision",
    "DelegateReport",
    "Partition",
    "Target",
    "TargetReport",
    "delegate_report",
    "find_target",
    "load_targets",
    "target_report",
]
