"""A tiny random context encoder and its vectors, by torch; the tokens of many texts, by tokenizers.

    pip install torch==2.15.0 tokenizers==0.23.3 safetensors
    python tiny_context.py tiny/context ../../corpus/statements.csv
"""

import csv
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

FOLDER, CORPUS = map(pathlib.Path, sys.argv[1:])
HIDDEN, HEADS, INNER, LAYERS, GENERAL, POSITIONS, WINDOWS = 32, 4, 64, 2, 1, 8, 64
CODES = {"mood": ["calm", "angry"], "topic": ["queue", "dust", "other"]}
TEXTS = ["the queue is long", "obat kosong", "Dust, dust!", "", "   ", "ＡＢＣ ﬁ ½", "unknown 😡😡 obat", "the queue is long " * 3, "the dust " * 300, "a" * 100]
ODD = [
    "", " ", "   ", "\t\n", ".", "😡", "😡😡🙏🏽👨‍👩‍👧 ok", "ANTRI DARI JAM 6!!!", "bgt gk ada obatnya, gmn sih 😭", "wkwkwk parahhhh",
    "ﬁ ﬂ ½ № ㎏ ＡＢＣ１２３ ｶﾞ", "e\u0301 é ñ n\u0303 Å", "a\u00a0b\u2003c\u3000d", "zero\u200bwidth\u200djoin\ufeff", "▁ ▁▁a▁b", "soft\u00adhyphen",
    "<s> </s> <unk> <pad>", "x<unk>y", "\u0000\u0001\u0007bell\u007f\u0085\u009f", "\ufffd\ufffd", "中文 漢字 ｢｣", "العربية ﷺ", "हिन्दी क्षि", "ไทย ำ",
    "ㅎㅎ 한국어 ᄒ\u1161\u11ab", "ｈｔｔｐ：／／ａ", "http://a.b/c?d=e&f", "a" * 300, "ab" * 90, "…‥ ‼ ⁉", "²³¹ ₂", "ſ ẛ̣ ﬅ", "⅓ ⅷ Ⅷ ㍿ ㌀",
    " awal dan akhir ", "dua  spasi   tiga", "\r\nbaris\r\n\r\nbaru", "\u1680\u2028\u2029x", "🇮🇩🇮🇩 merdeka", "A\u030a\u0327", "\u0344 \u0958", "q\u0307\u0323",
]


def tokenizer(model):
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


def small_tokenizer():
    pieces = "<s> <pad> </s> <unk> ▁ ▁the ▁queue ▁is ▁long ▁obat ▁kosong ▁dust D d us st t u s , ! . a aa aaa aaaa ▁a ▁A B C fi 1 2 ⁄ un known ▁un k n o w l g e q i h b 😡 😡😡".split()
    return tokenizer(models.Unigram([(p, -float(i % 7) - i / 100) for i, p in enumerate(pieces)], unk_id=3))


def network(words):
    """Weights of the sizes that trained ones have."""
    tensors = {}

    def linear(name, outputs, inputs):
        weight = torch.randn(outputs, inputs) / inputs**0.5
        scale = weight.abs().amax(1) / 127
        tensors[f"{name}.weight"] = (weight / scale[:, None]).round().to(torch.int8)
        tensors[f"{name}.scale"] = scale
        tensors[f"{name}.bias"] = torch.randn(outputs) * 0.1

    def norm(name):
        tensors[f"{name}.weight"] = 1 + torch.randn(HIDDEN) * 0.1
        tensors[f"{name}.bias"] = torch.randn(HIDDEN) * 0.1

    linear("embeddings.word_embeddings", words, HIDDEN)
    del tensors["embeddings.word_embeddings.bias"]
    tensors["embeddings.position_embeddings.weight"] = torch.randn(POSITIONS, HIDDEN) * 0.1
    norm("embeddings.LayerNorm")
    for layer in range(LAYERS):
        named = f"encoder.layer.{layer}."
        linear(named + "qkv", 3 * HIDDEN, HIDDEN)
        linear(named + "attn_out", HIDDEN, HIDDEN)
        norm(named + "attn_norm")
        linear(named + "ffn_in", INNER, HIDDEN)
        linear(named + "ffn_out", HIDDEN, INNER)
        norm(named + "ffn_norm")
    for name, codes in CODES.items():
        tensors[f"heads.{name}.weight"] = torch.randn(len(codes), HIDDEN)
        tensors[f"heads.{name}.bias"] = torch.randn(len(codes))
    tensors["vectors.general.middle"] = torch.randn(HIDDEN) * 0.1
    tensors["vectors.last.middle"] = torch.randn(HIDDEN) * 0.1
    return tensors


def states(tensors, ids):
    """The last states, and those behind the general layers."""
    def linear(name, x):
        return x @ (tensors[name + ".weight"].double() * tensors[name + ".scale"].double()[:, None]).T + tensors[name + ".bias"].double()

    def norm(name, x):
        return torch.nn.functional.layer_norm(x, (HIDDEN,), tensors[name + ".weight"].double(), tensors[name + ".bias"].double(), 1e-12)

    ids = torch.tensor(ids)
    words = tensors["embeddings.word_embeddings.weight"][ids].double() * tensors["embeddings.word_embeddings.scale"][ids, None].double()
    x = norm("embeddings.LayerNorm", words + tensors["embeddings.position_embeddings.weight"][: len(ids)].double())
    for layer in range(LAYERS):
        if layer == GENERAL:
            general = x
        named = f"encoder.layer.{layer}."
        parts = [part.view(-1, HEADS, HIDDEN // HEADS).transpose(0, 1) for part in linear(named + "qkv", x).split(HIDDEN, 1)]
        attended = torch.nn.functional.scaled_dot_product_attention(*parts).transpose(0, 1).reshape(-1, HIDDEN)
        x = norm(named + "attn_norm", linear(named + "attn_out", attended) + x)
        x = norm(named + "ffn_norm", linear(named + "ffn_out", torch.nn.functional.gelu(linear(named + "ffn_in", x))) + x)
    return torch.stack([x, general])


def vector(tensors, tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    windows = [ids[i : i + POSITIONS - 2] for i in range(0, len(ids), POSITIONS - 2)] or [[]]
    read = windows[:WINDOWS]
    return torch.cat([states(tensors, [0, *window, 2]) for window in read], 1).mean(1), sum(map(len, windows[WINDOWS:]))


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False) + "\n")


torch.manual_seed(3)
FOLDER.mkdir(parents=True, exist_ok=True)
small = small_tokenizer()
small.save(str(FOLDER / "tokenizer.json"))
tensors = network(small.get_vocab_size())
save_file(tensors, FOLDER / "model.safetensors")
shape = dict(hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=INNER, vocab_size=small.get_vocab_size(), max_position_embeddings=POSITIONS, layer_norm_eps=1e-12, hidden_act="gelu", general_layers=GENERAL)
(FOLDER / "config.json").write_text(json.dumps(shape | {"codes": CODES}, indent=1) + "\n")
both, unread = zip(*(vector(tensors, small, text) for text in TEXTS))
vectors = [last for last, _ in both]


def centred(vector, name):
    return torch.nn.functional.normalize(vector - tensors[f"vectors.{name}.middle"].double(), dim=0)


own_codes = [torch.cat([centred(general, "general"), centred(last, "last")]) / 2**0.5 for last, general in both]
probabilities = [{name: torch.softmax(v @ tensors[f"heads.{name}.weight"].double().T + tensors[f"heads.{name}.bias"].double(), 0).tolist() for name in CODES} for v in vectors]
write(FOLDER / "expected.json", {"texts": TEXTS, "vectors": [[round(x, 7) for x in v.tolist()] for v in vectors], "own_codes": [[round(x, 7) for x in v.tolist()] for v in own_codes], "unread": unread, "probabilities": probabilities})

texts = [row["text"] for row in csv.DictReader(CORPUS.open(newline=""))]
larger = tokenizer(models.Unigram())
larger.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=800, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False))
# Special tokens are pieces like others in the files that are read.
larger = tokenizer(models.Unigram([tuple(piece) for piece in json.loads(larger.to_str())["model"]["vocab"]], unk_id=3))
texts = ODD + texts[:: len(texts) // 300]
write(FOLDER / "tokens.json", {"tokenizer": json.loads(larger.to_str()), "texts": texts, "ids": [larger.encode(text).ids for text in texts]})
