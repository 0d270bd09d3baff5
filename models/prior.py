"""Makes `models/prior`: what the fast views learn from real statements, and how to read
them together with the context encoder.

    python models/context/train.py KONFLIK DATA WORK --stage first
    python models/prior.py KONFLIK DATA WORK --stage soft
    python models/context/train.py KONFLIK DATA WORK
    cargo build --release
    python models/prior.py KONFLIK DATA WORK

KONFLIK is the built command, DATA the folder with `real_train.csv` and `unlabelled/`, which are not
part of the project, WORK the folder in which `models/context/train.py` leaves its stages. Then

    konflik train corpus --from models/prior -o models/starter ...

needs neither of them. In order:

1. `pieces`: a model of the corpus at a cost near 0. It lends its tokenizer and vocabulary, so that
   no word of a real statement gets into a file, and nothing else.
2. For each fold of sources a model of the corpus and the other sources, made as the starter is made,
   codes the sources held out. Beside what the encoder of that fold says of them, this is what
   reading is learned from: corrections, mix and thresholds. A source weighs as the root of its size.
3. Real statements and unlabelled texts with the encoder's soft codes (as four coders each) give the
   prior.

The stage `soft` gives the unlabelled texts soft codes, of which the encoder learns: the geometric
mean of what the fast views and the first encoder say, for each fold by models that have not seen
its sources.

Pinned: numpy 2.4.6, scipy 1.18.0, and what `models/context/train.py` needs.
"""
import argparse
import collections
import csv
import hashlib
import json
import os
import re
import subprocess
import sys

import numpy as np
import torch
from scipy.optimize import minimize

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "models", "context"))
import train as context  # noqa: E402

CODES = context.CODES
PARTS = ["fast", "deep", "gold", "source"]
COLUMNS = ["id", "text", "lang", "source", "conflict", "topic", "group"]
CORPUS = os.path.join(ROOT, "corpus")
CODEBOOK = os.path.join(CORPUS, "codebook.toml")
# Errors among `auto` that are stated, and the mean of the sources that is aimed at.
STATED, AIMED = 0.10, 0.09
LEAST = 1e-6
WORD = re.compile(r"[^\W\d_]+")
# A batch is unlike the sources if it is further out than any of them by this.
MARGIN = 0.05
# Share of the rows of a large batch of which one variable is read again.
READ_AGAIN = 0.4


def write(path, found):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(found)
    return path


class Konflik:
    def __init__(self, binary, work):
        # Commands run in WORK.
        self.binary, self.work = os.path.abspath(binary), os.path.abspath(work)

    def train(self, name, path, *options, out=None):
        out = out or os.path.join(self.work, name)
        # The card names the table: without the folder that it lies in.
        table = [os.path.basename(path), "--codebook", CODEBOOK]
        corpus = [path] if os.path.isdir(path) else table
        done = subprocess.run([self.binary, "train", *corpus, "-o", out, "--name", name, "--force",
                               "--quiet", *options], capture_output=True, text=True, cwd=self.work)
        if done.returncode:
            sys.exit(done.stderr)
        return out

    def label(self, path, model):
        """Probabilities of the fast views of all rows: variable -> rows × codes."""
        out = os.path.join(self.work, "labelled.jsonl")
        subprocess.run([self.binary, "label", path, "-o", out, "--model", model, "--fast", "--force",
                        "--quiet", "--no-evidence"], check=True, capture_output=True)
        found = [json.loads(line) for line in open(out)]
        return {v: np.array([[(r[f"konflik_{v}_probabilities"] or {}).get(c, np.nan) for c in codes]
                             for r in found]) for v, codes in CODES.items()}


def log_softmax(u):
    u = u - u.max(1, keepdims=True)
    return u - np.log(np.exp(u).sum(1, keepdims=True))


class Stack:
    """softmax(Σ Xᵣ (aᵣ I + Mᵣ) + b): multinomial regression on logarithms of probabilities, with a
    quadratic penalty on M and b. Where it isn't `full`, M and b are 0: a mix and a temperature,
    since with many codes shares differ too much between sources."""

    def __init__(self, parts, codes, full, penalty=1e-3):
        self.parts, self.codes, self.full, self.penalty = parts, codes, full, penalty

    def split(self, t):
        a, rest = t[:self.parts], t[self.parts:]
        shape = (self.parts, self.codes, self.codes)
        if not self.full:
            return a, np.zeros(self.codes), np.zeros(shape)
        return a, rest[:self.codes], rest[self.codes:].reshape(shape)

    def scores(self, inputs, t):
        a, b, m = self.split(t)
        eye = np.eye(self.codes)
        return sum(x @ (a[r] * eye + m[r]) for r, x in enumerate(inputs)) + b

    def fit(self, inputs, gold, weights):
        n, w = len(gold), weights / weights.mean()
        target = np.eye(self.codes)[gold]

        def loss(t):
            a, b, m = self.split(t)
            log_p = log_softmax(self.scores(inputs, t))
            g = (np.exp(log_p) - target) * w[:, None]
            slope = [np.array([(g * x).sum() for x in inputs]) / n]
            if self.full:
                slope.append(g.sum(0) / n + 2 * self.penalty * b)
                slope.append(np.stack([x.T @ g / n for x in inputs]).ravel()
                             + 2 * self.penalty * m.ravel())
            value = -(log_p[np.arange(n), gold] * w).sum() / n
            return value + self.penalty * (b @ b + (m**2).sum()), np.concatenate(slope)

        size = self.parts + (self.codes + self.parts * self.codes**2 if self.full else 0)
        start = np.r_[np.full(self.parts, 1 / self.parts), np.zeros(size - self.parts)]
        self.t = minimize(loss, start, jac=True, method="L-BFGS-B", options=dict(maxiter=500)).x
        return self

    def probabilities(self, inputs):
        return np.exp(log_softmax(self.scores(inputs, self.t)))

    def head(self):
        a, b, m = self.split(self.t)
        rows = np.concatenate([a[r] * np.eye(self.codes) + m[r] for r in range(self.parts)])
        return dict(coefficients=[[round(float(x), 6) for x in row] for row in rows],
                    intercept=[round(float(x), 6) for x in b], flattening=0.0, alpha=None, absent=[])


def weights_of(gold, sources, codes):
    """A source weighs as the root of its size, and so does a code: shares of the sample mean
    nothing, and without the second root rare codes would hardly be given."""
    sizes = {s: (sources == s).sum() for s in np.unique(sources)}
    shares = np.bincount(gold, minlength=codes) / len(gold)
    return np.array([(sizes[s] * shares[c])**-0.5 for s, c in zip(sources, gold)])


def held_out(make, inputs, gold, sources, weights):
    """Probabilities of each source by a stack of the others."""
    out = np.zeros((len(gold), inputs[0].shape[1]))
    for source in np.unique(sources):
        test = sources == source
        stack = make().fit([x[~test] for x in inputs], gold[~test], weights[~test])
        out[test] = stack.probabilities([x[test] for x in inputs])
    return out


def by_source(chosen, right, sources):
    """Share of errors among the chosen of each source that has 20."""
    shares = {}
    for source in np.unique(sources):
        of = chosen & (sources == source)
        if of.sum() >= 20:
            shares[source] = 1 - right[of].mean()
    return shares


def thresholds(p, gold, sources):
    """The lowest `auto` at which the mean of the sources' shares of errors is as aimed at."""
    best, right = p.max(1), p.argmax(1) == gold
    auto = None
    for at in np.arange(0.995, 0.5, -0.005):
        shares = by_source(best >= at, right, sources)
        if len(shares) >= 5 and np.mean(list(shares.values())) <= AIMED:
            auto = float(at)
    chosen = best >= auto if auto else np.zeros(len(best), bool)
    low = best < 0.5

    def share(of):
        return float(1 - right[of].mean()) if of.any() else None

    return dict(auto=auto and round(auto, 6), abstain=0.5, stated_error=STATED,
                auto_coverage=float(chosen.mean()), auto_error=share(chosen),
                abstain_coverage=float(low.mean()), abstain_error=share(low))


def macro_f1(gold, found, codes):
    table = np.bincount(gold * codes + found, minlength=codes**2).reshape(codes, codes)
    has = table.sum(1) > 0
    return float((2 * np.diag(table)[has] / (table.sum(0) + table.sum(1))[has]).mean())


def report(name, p, gold, sources, limits):
    auto = p.max(1) >= (limits["auto"] or 2)
    right = p.argmax(1) == gold
    shares = sorted(by_source(auto, right, sources).values(), reverse=True)
    each = [macro_f1(gold[sources == s], p[sources == s].argmax(1), p.shape[1])
            for s in np.unique(sources)]
    print(f"{name:18} macro-F1 pooled {macro_f1(gold, p.argmax(1), p.shape[1]):.3f}, mean of "
          f"sources {np.mean(each):.3f}; accuracy {right.mean():.3f}; auto {auto.mean():.2f} of "
          f"rows, errors {1 - right[auto].mean():.3f}, by source "
          + " ".join(f"{s:.2f}" for s in shares[:5]), flush=True)


def learn_reading(found, encoder_hash, unseen):
    """found: variable -> (fast, context, gold, sources), logarithms of probabilities; unseen: the
    share of unseen words of each source."""
    variables, confidence = [], {}
    for v, codes in CODES.items():
        fast, deep, gold, sources = found[v]
        k = len(codes)
        weights = weights_of(gold, sources, k)
        full = k <= 4
        judged = {}
        for name, inputs in (("fast", [fast]), ("context", [fast, deep])):
            p = held_out(lambda: Stack(len(inputs), k, full), inputs, gold, sources, weights)
            limits = thresholds(p, gold, sources)
            report(f"{v} {name}", p, gold, sources, limits)
            stack = Stack(len(inputs), k, full).fit(inputs, gold, weights)
            judged[name] = dict(head=stack.head(), thresholds=limits)
            if name == "fast":
                # In a large batch about half of the rows are read again.
                doubt = float(np.quantile(p.max(1), READ_AGAIN))
                for s in np.unique(sources):
                    confidence.setdefault(s, []).append(p[sources == s].max(1).mean())
        variables.append(dict(id=v, codes=codes, fast=judged["fast"], context=judged["context"],
                              doubt=round(doubt, 6)))
    return dict(encoder=encoder_hash, variables=variables,
                familiar=dict(unseen_words=round(max(unseen.values()) + MARGIN, 3),
                              confidence=round(min(np.mean(list(confidence.values()), 1)) - MARGIN,
                                               3)))


def unseen_words(real):
    """For each source the share of its words that fewer than two statements of the corpus and the
    other sources hold."""
    def frequencies(found):
        counts = collections.Counter()
        for r in found:
            counts.update(set(WORD.findall(r["text"].lower())))
        return counts

    sources = {s: [r for r in real if r["source"] == s] for s in {r["source"] for r in real}}
    own = {s: frequencies(found) for s, found in sources.items()}
    everywhere = frequencies(context.rows(os.path.join(CORPUS, "statements.csv")))
    for counts in own.values():
        everywhere.update(counts)
    shares = {}
    for s, found in sources.items():
        words = [w for r in found for w in WORD.findall(r["text"].lower())]
        shares[s] = sum(everywhere[w] - own[s][w] < 2 for w in words) / len(words)
    return shares


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("konflik", "data", "work"):
        parser.add_argument(name)
    parser.add_argument("--stage", choices=["soft"], help="stop after the stage")
    args = parser.parse_args()
    args.work = os.path.abspath(args.work)
    konflik = Konflik(args.konflik, args.work)

    def at(name):
        return os.path.join(args.work, name)

    # A source is a group: so folds inside a training hold out whole sources too.
    real = [dict(r, group="source " + r["source"])
            for r in context.rows(os.path.join(args.data, "real_train.csv"))]
    pieces = konflik.train("pieces", CORPUS, "--cost", "1e-6", "--folds", "2")
    texts = context.texts_of(args.konflik, args.data, args.work)

    if args.stage == "soft":
        return code_unlabelled(konflik, args.work, texts, real, pieces)
    if not os.path.exists(at("held_out.npz")):
        code_held_out(konflik, args.work, texts, real, pieces)
    with np.load(at("held_out.npz")) as stored:
        found = {v: [stored[f"{v}_{n}"] for n in PARTS] for v in CODES}
    files = [open(os.path.join(HERE, "context", name), "rb").read()
             for name in ("config.json", "tokenizer.json", "model.safetensors")]
    reading = learn_reading(found, hashlib.sha256(b"".join(files)).hexdigest(),
                            unseen_words(real))
    with open(at("reading.json"), "w") as file:
        json.dump(reading, file, indent=1)
        file.write("\n")

    soft, codings = soft_codes(args.work, texts)
    path = write(at("prior.csv"), real + soft)
    konflik.train("prior", path, "--from", pieces, "--codings", codings, "--folds", "3",
                  "--reading", at("reading.json"), out=os.path.join(HERE, "prior"))


def fast_model(konflik, work, fold, held_out, real, pieces):
    """A model of the corpus and the sources that are not held out, made as the starter is made."""
    seen = write(os.path.join(work, "seen.csv"), [r for r in real if r["source"] not in held_out])
    prior = konflik.train(f"prior_{fold}", seen, "--from", pieces, "--folds", "3")
    return konflik.train(f"fast_{fold}", CORPUS, "--from", prior)


def code_unlabelled(konflik, work, texts, real, pieces):
    """Writes the soft codes that the encoders of the folds, and that of all, learn from."""
    folder = os.path.join(work, "e5t")
    at = [i for i, t in enumerate(texts) if t["kind"] == "unlabelled" and len(t["text"]) > 15]
    found = [dict(id=f"u{i}", text=texts[i]["text"]) for i in at]
    path = write(os.path.join(work, "unlabelled.csv"), found)
    for fold, sources in {**context.FOLDS, "all": []}.items():
        fast = konflik.label(path, fast_model(konflik, work, fold, sources, real, pieces))
        encoder = context.Encoder(folder, context.LAYERS).eval()
        encoder.load_state_dict(torch.load(os.path.join(work, f"first_{fold}.pt")))
        deep = context.log_probabilities(encoder, folder, [f["text"] for f in found])
        says = ~np.isnan(fast["conflict"]).any(1)
        shares = {v: np.exp(log_softmax((np.log(np.maximum(fast[v], LEAST)) + deep[v]) / 2))[says]
                  for v in CODES}
        np.savez(os.path.join(work, f"soft_{fold}.npz"), rows=np.array(at)[says], **shares)


def code_held_out(konflik, work, texts, real, pieces):
    """Writes what models and encoders that have not seen a source say of its statements."""
    def at(name):
        return os.path.join(work, name)

    first_real = next(i for i, t in enumerate(texts) if t["kind"] == "real")
    found = {v: [[], [], [], []] for v in CODES}
    for fold, sources in context.FOLDS.items():
        model = fast_model(konflik, work, fold, sources, real, pieces)
        deep = np.load(at(f"fold_{fold}.npz"))
        rows = [real[i - first_real] for i in deep["rows"]]
        fast = konflik.label(write(at("held.csv"), rows), model)
        says = ~np.isnan(fast["conflict"]).any(1)
        for v, codes in CODES.items():
            parts = (np.log(np.maximum(fast[v][says], LEAST)),
                     np.maximum(deep[v][says], np.log(LEAST)),
                     np.array([codes.index(r[v]) for r in rows])[says],
                     np.array([r["source"] for r in rows])[says])
            for column, part in zip(found[v], parts):
                column.append(part)
    found = {v: [np.concatenate(c) for c in columns] for v, columns in found.items()}
    np.savez(at("held_out.npz"), **{f"{v}_{n}": c for v, columns in found.items()
                                    for n, c in zip(PARTS, columns)})


def soft_codes(work, texts):
    """Unlabelled texts with the encoder's codes, and a table of four coders that say its shares."""
    folder = os.path.join(work, "e5t")
    encoder = context.Encoder(folder, context.LAYERS).eval()
    encoder.load_state_dict(torch.load(os.path.join(work, "final.pt")))
    chosen = [t["text"] for t in texts if t["kind"] == "unlabelled" and len(t["text"]) > 15]
    shares = {v: np.exp(p) for v, p in
              context.log_probabilities(encoder, folder, chosen).items()}
    rows = [dict(id=f"soft{i}", text=text, lang="", source="unlabelled", group=f"soft{i}",
                 **{v: codes[int(shares[v][i].argmax())] for v, codes in CODES.items()})
            for i, text in enumerate(chosen)]
    path = os.path.join(work, "codings.csv")
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id"] + [f"{v}_{coder}" for v in CODES for coder in "abcd"])
        for i, row in enumerate(rows):
            cells = []
            for v, codes in CODES.items():
                # Four codes at the middles of four equal parts of the distribution.
                ends = np.cumsum(shares[v][i])
                cells += [codes[min(int(np.searchsorted(ends, q)), len(codes) - 1)]
                          for q in (0.125, 0.375, 0.625, 0.875)]
            writer.writerow([row["id"]] + cells)
    return rows, path


if __name__ == "__main__":
    main()
