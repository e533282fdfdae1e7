"""The one exception for what a user got wrong."""


class ToolError(ValueError):
    """An input or a setting that `tflite_tools` cannot work with.

    The message says what was expected, what came instead and what to do. The command line
    prints it as it is and exits with code 2; anything else that is raised is a bug.
    """
