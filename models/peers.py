"""konflik and its peers on sources that none of them has seen, trained on the same statements.

    python models/peers.py DATA WORK

DATA is the folder with `real_train.csv`, WORK the folder that `models/context/train.py` and `models/prior.py` worked in: the statements of
three folds of sources, what konflik's models said of the sources held out, the vectors of the whole
e5-small. Peers learn the corpus and the real statements of the other folds, as konflik did:

    scikit-learn   TF-IDF of words, word pairs and letters, logistic regression
    fastText       supervised, word pairs and letters
    e5-small       frozen (12 layers), logistic regression on its vectors

Prints Markdown: macro-F1 pooled over the 19 sources, with 95 % intervals by draws of whole sources,
by kind of source and by language.

Pinned: scikit-learn 1.7.2, fasttext-wheel 0.9.2, numpy 2.4.6, and what `models/prior.py` needs.
"""
import argparse
import os
import sys
import tempfile

import fasttext
import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import prior  # noqa: E402
from prior import CODES, Stack, context, macro_f1  # noqa: E402

KINDS = {"app reviews": "_app", "tweets and comments": "_tweet _instagram _tiktok",
         "reviews of places": "_review _yelp", "interviews": "_interview",
         "complaints, chat, news, forum": "_city _chat _news _forum"}
DRAWS = 1000


def scikit_learn(train, test, _vectors):
    views = [TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
             TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=4, sublinear_tf=True)]
    x = hstack([v.fit_transform(train["text"]) for v in views]).tocsr()
    z = hstack([v.transform(test["text"]) for v in views]).tocsr()
    for v, codes in CODES.items():
        model = LogisticRegression(C=10, max_iter=60, class_weight="balanced").fit(x, train[v])
        yield v, model.predict(z)


def frozen_e5(train, test, vectors):
    x, z = vectors[train["at"]], vectors[test["at"]]
    middle, spread = x.mean(0), x.std(0)
    for v, codes in CODES.items():
        model = LogisticRegression(C=0.1, max_iter=200, class_weight="balanced")
        model.fit((x - middle) / spread, train[v])
        yield v, model.predict((z - middle) / spread)


def fast_text(train, test, _vectors):
    for v, codes in CODES.items():
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            for text, code in zip(train["text"], train[v]):
                file.write(f"__label__{code} {' '.join(text.lower().split())}\n")
            file.flush()
            model = fasttext.train_supervised(file.name, epoch=15, lr=0.3, wordNgrams=2, minn=3,
                                              maxn=5, minCount=2, dim=60, bucket=200_000, thread=1,
                                              verbose=0, seed=1)
        lines = [" ".join(t.lower().split()) + "\n" for t in test["text"]]
        found = model.f.multilinePredict(lines, 1, 0.0, "strict")[0]
        yield v, np.array([int(labels[0].removeprefix("__label__")) for labels in found])


def columns(texts, rows):
    out = {v: np.array([codes.index(texts[i][v]) for i in rows]) for v, codes in CODES.items()}
    return dict(out, at=np.array(rows), text=[texts[i]["text"] for i in rows],
                source=np.array([texts[i].get("source", "") for i in rows]))


def by_peers(texts, vectors):
    """Peer -> variable -> (gold, found, source) of all statements held out."""
    parts = {}
    labelled = [i for i, t in enumerate(texts) if t["kind"] in ("own", "real")]
    for sources in context.FOLDS.values():
        held = [i for i in labelled if texts[i]["kind"] == "real" and texts[i]["source"] in sources]
        kept = [i for i in labelled if i not in set(held)]
        train, test = columns(texts, kept), columns(texts, held)
        for name, peer in (("scikit-learn", scikit_learn), ("fastText", fast_text),
                           ("e5-small, frozen", frozen_e5)):
            for v, found in peer(train, test, vectors):
                parts.setdefault(name, {}).setdefault(v, []).append((test[v], found, test["source"]))
                print(name, v, round(macro_f1(test[v], found, len(CODES[v])), 3), file=sys.stderr,
                      flush=True)
    return {name: {v: [np.concatenate(c) for c in zip(*folds)] for v, folds in of.items()}
            for name, of in parts.items()}


def by_konflik(work):
    """The same of konflik; how its parts are mixed is learned without the source, too."""
    out = {}
    with np.load(os.path.join(work, "held_out.npz")) as stored:
        for v, codes in CODES.items():
            fast, deep, gold, source = (stored[f"{v}_{n}"] for n in prior.PARTS)
            weights = prior.weights_of(gold, source, len(codes))
            for name, inputs in (("konflik --fast", [fast]), ("konflik", [fast, deep])):
                p = prior.held_out(lambda: Stack(len(inputs), len(codes), len(codes) <= 4), inputs,
                                   gold, source, weights)
                out.setdefault(name, {})[v] = [gold, p.argmax(1), source]
    return out


def interval(gold, found, source, codes):
    """By draws of whole sources."""
    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(source == s) for s in np.unique(source)]
    draws = [np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
             for _ in range(DRAWS)]
    return np.percentile([macro_f1(gold[d], found[d], codes) for d in draws], [2.5, 97.5])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("work")
    args = parser.parse_args()
    work = args.work
    texts = context.texts_of(None, None, work)
    vectors = np.load(os.path.join(work, "teacher.npy"))
    found = by_peers(texts, vectors) | by_konflik(work)
    print("| 19 held-out sources, macro-F1 | conflict | topic |\n|---|---:|---:|")
    for name, of in found.items():
        cells = []
        for v, codes in CODES.items():
            low, high = interval(*of[v], len(codes))
            cells.append(f"{macro_f1(*of[v][:2], len(codes)):.3f} [{low:.2f} to {high:.2f}]")
        print(f"| {name} | {' | '.join(cells)} |")
    print("\n| conflict / topic | n | " + " | ".join(found) + " |\n|---|---:|" + "---:|" * len(found))
    # Each source is of one language.
    languages = {r["source"]: r["lang"] for r in context.rows(os.path.join(args.data, "real_train.csv"))}
    slices = {kind: [s for s in languages if s.endswith(tuple(ends.split()))]
              for kind, ends in KINDS.items()}
    for language, name in (("id", "Indonesian"), ("en", "English")):
        slices[name] = [s for s, of in languages.items() if of == language]
    for kind, sources in slices.items():
        cells = []
        for of in found.values():
            scores = []
            for v, codes in CODES.items():
                gold, codes_found, source = of[v]
                rows = np.isin(source, sources)
                scores.append(f"{macro_f1(gold[rows], codes_found[rows], len(codes)):.2f}")
            cells.append(" / ".join(scores))
        print(f"| {kind} | {rows.sum()} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
