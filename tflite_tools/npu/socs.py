"""The chips that LiteRT compiles for."""

from typing import Any

from tflite_tools.errors import ToolError

_ALL = "ALL"


def known_socs() -> tuple[str, ...]:
    """The models of the chips, such as "SM8350" (Snapdragon 888)."""
    return tuple(str(model) for model in _models() if model != _ALL)


def checked_soc(name: Any) -> str:
    """The name as the compiler spells it.

    Raises:
        ToolError: There is no such chip.
    """
    known = known_socs()
    if not isinstance(name, str) or name.upper() not in known:
        raise ToolError(f"soc: expected one of {', '.join(known)}, got {name!r}.")
    return name.upper()


def _models() -> Any:
    from ai_edge_litert.aot.vendors.qualcomm.target import SocModel

    return SocModel
