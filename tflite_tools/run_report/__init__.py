"""Runs on phones and on this machine, accuracies and delegates' rules in one report."""

from tflite_tools.run_report.api import report_runs
from tflite_tools.run_report.report import RunReport
from tflite_tools.run_report.writing import FORMATS

__all__ = ["FORMATS", "RunReport", "report_runs"]
