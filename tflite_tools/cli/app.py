"""The application that every command registers with."""

import typer

app = typer.Typer(
    name="tflite-tools",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Keras models as .tflite files, and the proof that they are right."""
