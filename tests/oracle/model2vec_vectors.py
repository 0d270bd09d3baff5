"""Vectors of the shipped encoder by model2vec, for tests/library/encoder.rs.

    pip install model2vec==0.10.0
    python model2vec_vectors.py ../../models/encoder > model2vec_vectors.json
"""
import json
import sys

from model2vec import StaticModel

TEXTS = [
    "akses jauh sekali",
    "Access is too far!",
    "Obat saya habis, dan apotek tutup sampai Senin.",
    "the pharmacy ran out of my medicine",
    "kagak jelas bgt min, udh 3 hari gak dibales",
    "xqzv",
    "😡😡",
]
model = StaticModel.from_pretrained(sys.argv[1])
rows = [[round(float(v), 6) for v in row] for row in model.encode(TEXTS)]
json.dump([{"text": t, "vector": r} for t, r in zip(TEXTS, rows)], sys.stdout, ensure_ascii=False)
print()
