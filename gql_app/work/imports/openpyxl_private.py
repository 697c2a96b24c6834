"""What is read of openpyxl that has no public name: a sheet's own part of the file.

openpyxl shows the values of cells, and neither which ones are merged nor which formulas have none.
"""

from typing import IO, Any


def opened_part(sheet: Any) -> IO[bytes]:
    """The XML of a sheet of a workbook that was opened to be read."""
    part: IO[bytes] = sheet.parent._archive.open(sheet._worksheet_path)
    return part
