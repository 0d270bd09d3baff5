"""Makes the hostile Word files of tests/cmd/ingest.in: a ZIP bomb and an XML entity trick."""

import zipfile
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "cmd" / "ingest.in"
FIXED = (2026, 1, 1, 0, 0, 0)


def package(name: str, xml: bytes) -> None:
    with zipfile.ZipFile(FOLDER / name, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo("word/document.xml", FIXED), xml, zipfile.ZIP_DEFLATED, 9)


package("bomb.docx", b"<a>" + b" " * (8 << 20))
laughs = "".join(f'<!ENTITY l{i} "&l{i - 1};&l{i - 1};">' for i in range(1, 30))
package("entities.docx", f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]><a>&l29;</a>'.encode())
