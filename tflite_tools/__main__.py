"""Runs the command line by `python -m tflite_tools`."""

from tflite_tools.cli import main

main()
