"""Text of others, made safe for a line in a terminal."""


def shown(text: str) -> str:
    """Text without what would break a line, steer a terminal or not be text at all."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)
