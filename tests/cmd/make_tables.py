"""Makes the workbooks of `tables.in`: every word in them is invented.

    pip install openpyxl==3.1.5
    apt-get install --no-install-recommends libreoffice-calc
    python3 tests/cmd/make_tables.py

`openpyxl` writes the cells; LibreOffice opens and saves them as `complaints.xlsx` and
`complaints.ods`, so that both are files of the program that people have.
"""

import datetime
import pathlib
import subprocess
import tempfile

import openpyxl
from openpyxl.comments import Comment

HERE = pathlib.Path(__file__).parent / "tables.in"

book = openpyxl.Workbook()
book.active.title = "Kosong"
hidden = book.create_sheet("Catatan")
hidden.append(["id", "text"])
hidden.append(["x1", "Tidak boleh dibaca"])
hidden.sheet_state = "hidden"

sheet = book.create_sheet("Pengaduan")
sheet["B1"] = "Rekap pengaduan triwulan I"
sheet.merge_cells("B1:G1")
sheet["B2"] = "Laporan"
for column, name in enumerate(["No", "Tanggal", "Isi Laporan", "Skor", "Jam", "Selesai"], 2):
    sheet.cell(4, column, name)
rows = [
    (1, datetime.date(2026, 3, 12), "Antri dari jam enam, obatnya kosong", 4.5, datetime.time(14, 30), True),
    (2, datetime.datetime(2026, 3, 13, 8, 5), "Air mati, \"katanya\" besok\nsampai sekarang tetap mati", 3, None, False),
    (3, None, "الماء مقطوع منذ يومين & لا أحد يجيب", -0.25, datetime.time(0, 0, 9), None),
    (4, None, None, 1234567890123456, None, None),
]
for number, row in enumerate(rows, 5):
    for column, value in enumerate(row, 2):
        sheet.cell(number, column, value)
# Row 9 stays blank; below it a formula and a note.
sheet["B10"] = "=B8+1"
sheet["D10"] = "Petugas  ramah,\tterima kasih"
sheet["D10"].comment = Comment("bukan bagian dari isi", "kami")
other = book.create_sheet("Kuartal 2")
other.append(["kode", "keluhan"])
other.append(["a-1", "Jalan berlubang"])

with tempfile.TemporaryDirectory() as folder:
    source = pathlib.Path(folder) / "complaints.xlsx"
    book.save(source)
    for kind in ["ods", "xlsx"]:
        subprocess.run(
            ["soffice", "--headless", f"-env:UserInstallation=file://{folder}/profile", "--convert-to", kind, "--outdir", f"{folder}/out", source],
            check=True,
        )
        (HERE / f"complaints.{kind}").write_bytes((pathlib.Path(folder) / "out" / f"complaints.{kind}").read_bytes())
