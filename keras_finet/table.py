"""Records as a plain-text table, for `print`."""

from collections.abc import Sequence


def text_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Returns `rows` under `header` in aligned columns; numbers stand to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(header, *cells, strict=True)]
    numeric = [
        bool(rows) and all(isinstance(row[column], int | float) for row in rows)
        for column in range(len(header))
    ]

    def line(row: Sequence[str]) -> str:
        columns = zip(row, widths, numeric, strict=True)
        aligned = (
            cell.rjust(width) if right else cell.ljust(width) for cell, width, right in columns
        )
        return "  ".join(aligned).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([title, line(header), rule, *map(line, cells)])
