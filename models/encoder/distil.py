"""Fits the static encoder: vectors of words and sub-word pieces whose sum points where the
teacher's sentence vector points.

    python distil.py WORK --corpus ../../corpus/statements.csv --texts unlabelled.csv feed.csv \
        --glosses /usr/share/wordnet -o .

WORK keeps the teacher and its vectors, so that a second run begins where the first stopped. The
texts are CSV files with a column `text`; the glosses are WordNet 3.0's `data.*` files (Debian's
`wordnet-base`); the commonest words of both languages come from `wordfreq` 3.1.1. With some 406,000
texts it takes half an hour on two cores with AMX, most of it the teacher.

1. Texts: the statements, the real texts, glosses and examples of WordNet in common words, spans of
   2 to 8 words of all of them, single common words.
2. Targets: the teacher's vectors, less the mean of their language and kind (single word or text),
   on their 256 main axes, each divided by the fourth root of its variance.
3. Vocabulary: words that occur 20 times and are no names (a word that stands in capitals more often
   than not in mid-sentence is one), common words, words of three statements of the corpus; below
   them WordPiece pieces of the same words. A word is split into its longest known pieces.
4. Fit: 1 - cosine between the sum of a text's vectors and its target, Adam; one word in ten is
   split into pieces though it is known, so that pieces learn too.
5. Rows are rounded to 8 bits; each row's scale is its weight, as model2vec reads it.

Pinned: see teacher.py, and wordfreq 3.1.1.
"""
import argparse
import collections
import csv
import json
import os
import random
import re
import unicodedata

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from wordfreq import top_n_list

from teacher import Teacher, unpack

csv.field_size_limit(10**9)
WORD = re.compile(r"[^\W]+|[^\w\s]")
LETTERS = re.compile(r"[^\W_]+")
DIMENSIONS, WHITEN, SPLIT = 256, 0.25, 0.1
WORDS, PIECES = 18_000, 8_000
CHUNK = 20_000


def squeezed(word):
    return re.sub(r"([^\W\d_])\1{2,}", r"\1", word)


def words(text):
    return [squeezed(w) for w in WORD.findall(unicodedata.normalize("NFKC", text).lower())]


def gather(args):
    """[text, kind, language] of all texts."""
    found = {}

    def add(text, kind, language):
        text = " ".join(text.split())[:400]
        if len(text) > 2:
            found.setdefault(text, (kind, language))

    for row in csv.DictReader(open(args.corpus)):
        add(row["text"], "corpus", row["lang"])
    for path in args.texts:
        for row in csv.DictReader(open(path)):
            # Javanese and other translations are no Indonesian.
            if not row.get("source", "").startswith("nusax"):
                add(row["text"], "real", "id")
    common = set(top_n_list("en", 30_000))
    for part in ("adj", "adv", "noun", "verb"):
        for line in open(os.path.join(args.glosses, "data." + part), encoding="latin1"):
            if line[0] == " " or "|" not in line:
                continue
            gloss = line.split("|", 1)[1].strip()
            parts = re.findall(r'"([^"]+)"', gloss)
            parts.append(gloss.split(";")[0].split('"')[0].strip())
            for text in parts:
                ws = [w.lower() for w in LETTERS.findall(text)]
                if 3 <= len(ws) <= 30 and all(w in common for w in ws):
                    add(text, "gloss", "en")
    rng = random.Random(1)
    base = [item for item in found.items() if len(item[0].split()) >= 5]
    for text, (kind, language) in rng.sample(base, min(args.spans, len(base))):
        ws = text.split()
        n = min(rng.randint(2, 8), len(ws) - 1)
        start = rng.randrange(0, len(ws) - n + 1)
        add(" ".join(ws[start:start + n]), "span", language)
    for language in ("id", "en"):
        for word in top_n_list(language, 15_000):
            if LETTERS.fullmatch(word):
                add(word, "word", language)
    texts = [[text, kind, language] for text, (kind, language) in found.items()]
    rng.shuffle(texts)
    return texts


def teach(texts, work):
    """The teacher's vectors, shape texts x 384; chunks that are there are not made again."""
    folder = os.path.join(work, "teacher")
    if not os.path.exists(os.path.join(folder, "tokenizer.json")):
        unpack(folder)
    teacher, vectors = None, []
    for start in range(0, len(texts), CHUNK):
        path = os.path.join(work, f"vectors-{start // CHUNK:03d}.npy")
        if not os.path.exists(path):
            teacher = teacher or Teacher(folder)
            part = teacher.encode([t[0] for t in texts[start:start + CHUNK]], 2048)
            np.save(path, part.astype(np.float16))
            print(f"{start + len(part)} of {len(texts)} texts embedded", flush=True)
        vectors.append(np.load(path))
    return np.concatenate(vectors).astype(np.float32)


def vocabulary(texts):
    """The student's tokenizer."""
    count, capital, middle, own = (collections.Counter() for _ in range(4))
    for text, kind, _ in texts:
        if kind in ("span", "word"):
            continue
        ws = words(text)
        count.update(ws)
        if kind == "corpus":
            own.update(set(ws))
        raw = WORD.findall(unicodedata.normalize("NFKC", text))
        if sum(w.isupper() and len(w) > 1 for w in raw) * 3 > len(raw):
            continue
        for before, word in zip(raw, raw[1:]):
            if before not in '.!?:\n"' and word[0].isalpha():
                middle[word.lower()] += 1
                capital[word.lower()] += word[0].isupper() and not before[0].isupper()

    def is_name(word):
        often = middle[word] >= 5 and capital[word] / middle[word] > 0.5
        return word[0].isalpha() and often and word not in own

    def plain(word):
        return not any(c.isdigit() for c in word) and len(word) <= 24

    frequent = {w: n for w, n in count.most_common() if n >= 20 and plain(w) and not is_name(w)}
    for word in top_n_list("en", 9_000) + top_n_list("id", 9_000):
        if LETTERS.fullmatch(word) and plain(word) and not is_name(word):
            frequent.setdefault(word, count[word])
    for word, n in own.items():
        if n >= 3 and plain(word):
            frequent.setdefault(word, count[word])
    keep = sorted(frequent, key=lambda w: (-frequent[w], w))[:WORDS]
    common = set(top_n_list("en", 20_000)) | set(top_n_list("id", 20_000))

    def for_pieces():
        for word, n in count.items():
            if word in frequent and n >= 20:
                yield from [word] * min(n, 400)
            elif n >= 5 and word[0].isalpha() and word in common and not is_name(word):
                yield from [word] * n

    pieces = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    pieces.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    pieces.train_from_iterator(for_pieces(), trainers.WordPieceTrainer(
        vocab_size=PIECES, special_tokens=["[UNK]"], limit_alphabet=300, min_frequency=20,
        show_progress=False))
    learned = sorted(pieces.get_vocab(), key=pieces.get_vocab().get)
    digits = [str(d) for d in range(10)] + [f"##{d}" for d in range(10)]
    order = dict.fromkeys(["[PAD]", "[UNK]", *digits, *learned, *keep])
    tokenizer = Tokenizer(models.WordPiece({t: i for i, t in enumerate(order)}, unk_token="[UNK]",
                                           max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(
        Regex(r"[\p{L}\p{M}\p{N}_]+|[^\p{L}\p{M}\p{N}_\s]"), "removed", invert=True)
    return tokenizer


class Splitter:
    """A word to the ids of its longest pieces, the whole word allowed or not."""

    def __init__(self, tokenizer):
        self.ids = tokenizer.get_vocab()

    def split(self, word, whole):
        out, start = [], 0
        while start < len(word):
            end = len(word)
            while end > start:
                piece = word[start:end] if start == 0 else "##" + word[start:end]
                if piece in self.ids and (whole or end - start < len(word)):
                    break
                end -= 1
            if end == start:
                return [self.ids["[UNK]"]]
            out.append(self.ids[piece])
            start = end
        return out


def targets(texts, vectors):
    language = np.array([t[2] for t in texts])
    single = np.array([t[1] == "word" for t in texts])
    centred, means = vectors.copy(), {}
    for kind in (False, True):
        for l in ("id", "en"):
            chosen = (language == l) & (single == kind)
            means[l, kind] = vectors[chosen].mean(0)
            centred[chosen] -= means[l, kind]
        chosen = (language == "mix") & (single == kind)
        centred[chosen] -= (means["id", kind] + means["en", kind]) / 2
    values, axes = np.linalg.eigh(np.cov(centred[~single].T))
    order = np.argsort(-values)[:DIMENSIONS]
    print("variance kept", round(float(values[order].sum() / values.sum()), 3))
    return centred @ (axes[:, order] * values[order] ** (-WHITEN / 2))


class Rows:
    """Texts as runs of word numbers; a batch as the pieces of its words."""

    def __init__(self, texts, splitter):
        numbers = {}
        self.rows = [np.array([numbers.setdefault(w, len(numbers)) for w in words(t[0])[:80]],
                              np.int64) for t in texts]
        vocab = list(numbers)
        self.count = len(vocab)
        runs = [splitter.split(w, True) for w in vocab]
        runs += [splitter.split(w, len(w) == 1) for w in vocab]
        self.length = np.array([len(r) for r in runs])
        self.start = np.cumsum(self.length) - self.length
        self.flat = np.concatenate([np.array(r) for r in runs])

    def batch(self, index, split, rng):
        rows = [self.rows[i] for i in index]
        sizes, w = np.array([len(r) for r in rows]), np.concatenate(rows)
        w = w + self.count * (rng.random(len(w)) < split)
        length = self.length[w]
        begin = np.cumsum(length) - length
        ids = self.flat[np.repeat(self.start[w] - begin, length) + np.arange(length.sum())]
        offsets = np.concatenate([[0], np.cumsum(length)])[np.cumsum(sizes) - sizes]
        return torch.from_numpy(ids), torch.from_numpy(offsets)


def fit(texts, wanted, tokenizer, epochs, held_out=6000, batch=1024, rate=1e-2, seed=0):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    data = Rows(texts, Splitter(tokenizer))
    table = torch.nn.EmbeddingBag(tokenizer.get_vocab_size(), DIMENSIONS, mode="sum")
    torch.nn.init.normal_(table.weight, std=0.05)
    wanted = F.normalize(torch.from_numpy(wanted.astype(np.float32)), dim=1)
    full = np.array([len(r) > 0 for r in data.rows])
    train, test = np.where(full)[0][held_out:], np.where(full)[0][:held_out]
    optimiser = torch.optim.Adam(table.parameters(), lr=rate, betas=(0.9, 0.99))
    steps, step = epochs * (len(train) // batch), 0
    for epoch in range(epochs):
        order = rng.permutation(train)
        for start in range(0, len(order) - batch + 1, batch):
            index = order[start:start + batch]
            for group in optimiser.param_groups:
                group["lr"] = rate * (1 - step / steps) + 1e-5
            sums = table(*data.batch(index, SPLIT, rng))
            loss = (1 - F.cosine_similarity(sums, wanted[index])).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
        with torch.no_grad():
            cosine = F.cosine_similarity(table(*data.batch(test, 0, rng)), wanted[test])
        print(f"epoch {epoch}: cosine to the teacher {cosine.mean():.4f} on held-out texts", flush=True)
    return table.weight.detach().numpy()


def save(vectors, tokenizer, out):
    largest = np.abs(vectors).max(1, keepdims=True)
    largest[largest == 0] = 1
    rounded = np.round(vectors / largest * 127).astype(np.int8)
    weights = (largest[:, 0] / 127).astype(np.float32)
    save_file({"embeddings": rounded, "weights": weights}, os.path.join(out, "model.safetensors"))
    tokenizer.save(os.path.join(out, "tokenizer.json"), pretty=False)
    config = {"model_type": "model2vec", "architectures": ["StaticModel"],
              "hidden_dim": vectors.shape[1], "seq_length": 1000000, "normalize": True,
              "embedding_dtype": "int8"}
    with open(os.path.join(out, "config.json"), "w") as file:
        json.dump(config, file, indent=1)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("work")
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--texts", nargs="+", required=True)
    parser.add_argument("--glosses", required=True)
    parser.add_argument("--spans", type=int, default=130_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--limit", type=int, help="so many texts only, to try the script")
    parser.add_argument("-o", "--out", required=True)
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    os.makedirs(args.out, exist_ok=True)
    listed = os.path.join(args.work, "texts.json")
    if not os.path.exists(listed):
        json.dump(gather(args)[:args.limit], open(listed, "w"))
    texts = json.load(open(listed))
    vectors = teach(texts, args.work)
    tokenizer = vocabulary(texts)
    save(fit(texts, targets(texts, vectors), tokenizer, args.epochs), tokenizer, args.out)


if __name__ == "__main__":
    main()
