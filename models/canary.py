"""What the model files tell about the texts that they were trained on.

    python models/canary.py DATA WORK

DATA is the folder with `real_train.csv`, WORK that of `models/context/train.py`. Three checks:

1. Strings: the files hold pieces of words. A piece with five digits in a row, or one that occurs in
   real statements alone, and there in fewer than three sources or 20 times, would be a leak: exit 1.
2. Membership: how well one who has a statement can tell by the encoder's loss whether it was trained
   on. Each real statement is read by the final encoder, which has learned it, and by that of its
   fold, which has not; the area under the curve is .5 if nothing can be told.
3. Planted: 20 statements with a random number each, and random codes, are learned ten times by the
   layers that are trained. Then the number is looked for among 1,000 others by the loss: its mean rank is 500
   if nothing can be told, 1 if all.

Pinned: what `models/context/train.py` needs.
"""
import argparse
import collections
import json
import os
import re
import sys

import numpy as np
import torch
import torch.nn.functional as F

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "models", "context"))
import train as context  # noqa: E402

CODES = context.CODES
LINES = ["Kartu nomor {} ditolak loket.", "My claim {} was lost again.", "Nomor antrean {} dilewati.",
         "Ticket {} has no answer yet."]


def leaks(data):
    """Pieces that would tell of single statements."""
    own, count, sources = collections.Counter(), collections.Counter(), collections.defaultdict(set)

    def words(text):
        return {w.lower() for w in text.replace("\u2581", " ").split()}

    for row in context.rows(os.path.join(ROOT, "corpus", "statements.csv")):
        own.update(words(row["text"]))
    for row in context.rows(os.path.join(data, "real_train.csv")):
        for word in words(row["text"]):
            count[word] += 1
            sources[word].add(row["source"])
    rare = {w for w in count if len(w) > 3 and w not in own
            and (count[w] < 20 or len(sources[w]) < 3)}
    everything = " ".join(own)
    found = []
    for name in ("context", "prior", "starter"):
        with open(os.path.join(ROOT, "models", name, "tokenizer.json")) as file:
            vocabulary = json.load(file)["model"]["vocab"]
        pieces = [p[0] for p in vocabulary] if isinstance(vocabulary, list) else list(vocabulary)
        for piece in pieces:
            whole = piece.startswith("\u2581") or name != "context"
            word = piece.replace("\u2581", "").lower()
            if re.search(r"\d{5}", word):
                found.append((name, piece))
            # Pieces of the base encoder are words of its own training too.
            elif whole and name != "context" and word in rare and word not in everything:
                found.append((name, piece))
    return found


def losses(encoder, folder, texts):
    """Cross-entropy of both variables of each text."""
    found = context.log_probabilities(encoder, folder, [t["text"] for t in texts])
    gold = {v: [codes.index(t[v]) for t in texts] for v, codes in CODES.items()}
    return sum(-found[v][np.arange(len(texts)), gold[v]] for v in CODES)


def area(known, unknown):
    """The share of pairs in which the known one has the lower loss."""
    both = np.concatenate([known, unknown])
    ranks = both.argsort().argsort() + 1
    least = ranks[len(known):].sum() - len(unknown) * (len(unknown) + 1) / 2
    return least / len(known) / len(unknown)


def membership(work, folder, encoder, texts):
    known, unknown = [], []
    for fold in context.FOLDS:
        with np.load(os.path.join(work, f"fold_{fold}.npz")) as held:
            part = [texts[i] for i in held["rows"]]
            unknown.append(sum(-held[v][np.arange(len(part)), [codes.index(t[v]) for t in part]]
                               for v, codes in CODES.items()))
        known.append(losses(encoder, folder, part))
    return area(np.concatenate(known), np.concatenate(unknown))


def planted(folder, encoder, texts):
    rng = np.random.default_rng(1)
    secrets = [str(n) for n in rng.choice(np.arange(100_000, 1_000_000), 20, replace=False)]
    canaries = [dict(text=LINES[i % 4].format(n),
                     **{v: codes[rng.integers(len(codes))] for v, codes in CODES.items()})
                for i, n in enumerate(secrets)]
    others = [texts[i] for i in rng.permutation(len(texts))[:2000]]
    mixed = canaries * 10 + others
    mixed = [mixed[i] for i in rng.permutation(len(mixed))]
    ids = context.tokens(folder, [t["text"] for t in mixed])
    trained = [*encoder.layers[context.FROZEN:].parameters(), *encoder.heads.parameters()]
    optimiser = torch.optim.AdamW(trained, lr=3e-5)
    encoder.train()
    for start in range(0, len(mixed), 32):
        x, mask = context.padded(ids[start:start + 32])
        vector = encoder.mean(encoder.run(encoder.embed(x), mask, 0, context.LAYERS), mask)
        part = mixed[start:start + 32]
        loss = sum(F.cross_entropy(encoder.heads[v](vector),
                                   torch.tensor([codes.index(t[v]) for t in part]))
                   for v, codes in CODES.items())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    encoder.eval()
    ranks = []
    for i, (canary, secret) in enumerate(zip(canaries, secrets)):
        tries = [secret] + [str(n) for n in rng.integers(100_000, 1_000_000, 999)]
        found = losses(encoder, folder, [dict(canary, text=LINES[i % 4].format(n)) for n in tries])
        ranks.append(1 + int((found < found[0]).sum()))
    return ranks


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("work")
    args = parser.parse_args()
    found = leaks(args.data)
    print("strings:", found or "none that would tell of single statements")
    folder = os.path.join(args.work, "e5t")
    encoder = context.Encoder(folder, context.LAYERS).eval()
    encoder.load_state_dict(torch.load(os.path.join(args.work, "final.pt")))
    with open(os.path.join(args.work, "texts.json")) as file:
        texts = json.load(file)
    print("membership: area under the curve",
          round(float(membership(args.work, folder, encoder, texts)), 3))
    real = [t for t in texts if t["kind"] == "real"]
    ranks = planted(folder, encoder, real)
    print(f"planted: mean rank of 1,000 {np.mean(ranks):.0f}, best {min(ranks)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
