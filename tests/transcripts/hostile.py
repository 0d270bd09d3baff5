"""Makes the hostile packed files of tests/cmd: ZIP bombs, XML entity tricks, two members of one name, rows that go back."""

import warnings
import zipfile
from pathlib import Path

CASES = Path(__file__).parent.parent / "cmd"
FIXED = (2026, 1, 1, 0, 0, 0)
SHEET = "xl/worksheets/sheet3.xml"


def package(name: str, *members: tuple[str, bytes]) -> None:
    with zipfile.ZipFile(CASES / name, "w", zipfile.ZIP_DEFLATED) as file:
        for member, data in members:
            file.writestr(zipfile.ZipInfo(member, FIXED), data, zipfile.ZIP_DEFLATED, 9)


def document(name: str, *contents: bytes) -> None:
    package(name, *[("word/document.xml", xml) for xml in contents])


def workbook(name: str, sheet: bytes) -> None:
    """The workbook of the fixtures with another sheet."""
    whole = zipfile.ZipFile(CASES / "tables.in/complaints.xlsx")
    package(name, *[(m, sheet if m == SHEET else whole.read(m)) for m in whole.namelist()])


def row(number: int, *cells: str) -> str:
    inline = [f'<c r="{chr(65 + i)}{number}" t="inlineStr"><is><t>{text}</t></is></c>' for i, text in enumerate(cells)]
    return f'<row r="{number}">{"".join(inline)}</row>'


def sheet(*rows: str, dtd: str = "") -> bytes:
    return f"{dtd}<worksheet><sheetData>{''.join(rows)}</sheetData></worksheet>".encode()


warnings.simplefilter("ignore")
document("ingest.in/bomb.docx", b"<a>" + b" " * (8 << 20))
laughs = "".join(f'<!ENTITY l{i} "&l{i - 1};&l{i - 1};">' for i in range(1, 30))
document("ingest.in/entities.docx", f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]><a>&l29;</a>'.encode())

said = "<w:document xmlns:w='w'><w:body><w:p><w:r><w:t>Informan: {}</w:t></w:r></w:p></w:body></w:document>"
document("hostile.in/twice.docx", said.format("Air mati.").encode(), said.format("Air jernih.").encode())
document("hostile.in/cut.docx", said.format("Air mati.").encode()[:90])
document("hostile.in/deep.docx", b"<w:x>" * 10_000)
workbook("hostile.in/bomb.xlsx", sheet(row(1, "id", "text")) + b" " * (8 << 20))
workbook("hostile.in/entities.xlsx", sheet(row(1, "id", "text"), row(2, "1", "&b;"), dtd='<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>'))
workbook("hostile.in/backwards.xlsx", sheet(row(1, "id", "text"), row(3, "1", "Air mati"), row(2, "2", "Antri")))
