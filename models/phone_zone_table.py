"""Make `phone_zones.txt`, anew with each version of libphonenumber that is wanted:
python -m models.phone_zone_table phonenumbers-9.0.42-py2.py3-none-any.whl > models/phone_zones.txt

`phonenumberslite`, which is installed, comes without this data, and `phonenumbers` takes ten times
as much room.
"""

import ast
import re
import sys
from zipfile import ZipFile

from models.checks import is_time_zone
from models.phone_zones import SEVERAL, zone_of_prefix

_HEADER = """\
# Which time zone the first digits of telephone numbers tell, made by models/phone_zone_table.py.
# From libphonenumber, Copyright (C) The Libphonenumber Authors, Apache License 2.0."""


def table_of(wheel: str) -> str:
    """The table, a line a zone; "-" is for prefixes whose numbers are in several zones."""
    told: dict[str, str] = {}
    with ZipFile(wheel) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"phonenumbers/tzdata/data[0-9]+\.py", name):
                data = re.search(r"(?ms)^data = (\{.*?^\})", archive.read(name).decode())
                assert data is not None
                for prefix, zones in ast.literal_eval(data[1]).items():
                    is_one = len(zones) == 1 and is_time_zone(zones[0])
                    told[prefix] = zones[0] if is_one else SEVERAL
    needed: dict[str, str] = {}
    for prefix in sorted(told, key=lambda prefix: (len(prefix), prefix)):
        if (zone_of_prefix(prefix, needed) or SEVERAL) != told[prefix]:
            needed[prefix] = told[prefix]
    lines: dict[str, list[str]] = {}
    for prefix, zone in sorted(needed.items()):
        lines.setdefault(zone, []).append(prefix)
    return "\n".join([_HEADER, *(f"{zone} {' '.join(lines[zone])}" for zone in sorted(lines))])


if __name__ == "__main__":
    sys.stdout.write(f"{table_of(sys.argv[1])}\n")
