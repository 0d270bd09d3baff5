"""Makes the Parquet files of `parquet.in`, of two row groups: every word in them is invented.

    pip install pyarrow==26.0.1
    python3 tests/cmd/make_parquet.py
"""

import datetime
import pathlib

import pyarrow
from pyarrow import parquet

HERE = pathlib.Path(__file__).parent / "parquet.in"
moments = [datetime.datetime(2026, 3, 12, 8, 5), None, None, datetime.datetime(1969, 12, 31, 23, 59, 59)]
table = pyarrow.table(
    {
        "id": [1, 2, None, 4],
        "keluhan": pyarrow.array(['Antri lama, "sekali" 😡', None, None, "Obat kosong"]).dictionary_encode(),
        "skor": [4.5, 3.0, None, None],
        "tanggal": [datetime.date(2026, 3, 12), None, None, datetime.date(1969, 12, 31)],
        "jam": pyarrow.array(moments, pyarrow.timestamp("ms")),
        "lunas": [True, False, None, None],
        "tanda": pyarrow.array([b"Air", None, None, b"\xff\x00"], pyarrow.binary()),
    }
)
for codec in ["snappy", "gzip", "lz4", "zstd", "none"]:
    name = "plain" if codec == "none" else codec
    parquet.write_table(table, HERE / f"{name}.parquet", compression=codec, row_group_size=2, store_schema=False)
parquet.write_table(table.select(["id", "skor"]), HERE / "no-text.parquet")
(HERE / "cut.parquet").write_bytes((HERE / "snappy.parquet").read_bytes()[:-40])
(HERE / "mislabelled.csv").write_bytes((HERE / "snappy.parquet").read_bytes())
