"""How good the models are on data that is not ours: one table, with 95 % intervals.

    python3 benches/quality.py target/release/konflik --real real_dev.csv --banking banking77 \
        [--sources] [--encoder DIR] [--teacher DIR]

--real FILE      coded statements (id, lang, source, text, conflict, topic): a model of the corpus alone
--sources        ... and each source of FILE in turn by a model of the corpus and the other sources
--banking DIR    train.csv and test.csv (text, category) of Banking77: full, and 10-shot (three draws)
--encoder DIR    ... and with that sentence encoder (konflik built with --features encoder)
--teacher DIR    ... and multilingual-e5-small unpacked by models/encoder/teacher.py: its vectors and
                 scikit-learn's logistic regression, trained on the corpus, scored on --real FILE
                 (C by five-fold cross-validation on the corpus)

Data is read where it is and written nowhere but in a temporary folder. Intervals of ours are
konflik's, by draws of groups; of the others by draws of statements.
"""
import argparse
import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parent.parent
CODEBOOK = PROJECT / "corpus/codebook.toml"


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path, rows, columns):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, columns, extrasaction="ignore")
        out.writeheader()
        out.writerows(rows)
    return path


class Konflik:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def run(self, *args):
        args = [str(a) for a in args]
        done = subprocess.run([self.binary, *args], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"konflik {' '.join(args)}\n{done.stderr}")
        return done.stdout

    def train(self, rows, codebook, *options):
        model = self.folder / "model"
        self.run("train", rows, "--codebook", codebook, "-o", model, "--force", "--quiet", *options)
        return model

    def evaluate(self, rows, model, *options):
        return json.loads(self.run("evaluate", rows, "--model", model, "--print", "json", "--quiet", *options))


def line(name, score, value, interval):
    low, high = interval
    print(f"| {name} | {score} | {value:.3f} | {low:.3f} to {high:.3f} |", flush=True)


def overall(name, evaluation):
    for variable in evaluation["variables"]:
        score = variable["overall"]["macro_f1"]
        line(name, f"{variable['id']} macro-F1", score["value"], score["interval"])
        error = variable.get("calibration", {}).get("ece")
        if error and error["value"] is not None:
            line(name, f"{variable['id']} ECE", error["value"], error["interval"])


def slices(evaluation):
    for variable in evaluation["variables"]:
        for by in ("by_language", "by_source"):
            for key, scores in variable[by].items():
                f1 = scores["macro_f1"]
                if f1["value"] is not None and f1.get("interval"):
                    line(f"{by[3:]} {key} (n {scores['n']})", f"{variable['id']} macro-F1", f1["value"], f1["interval"])


def macro_f1(gold, coded):
    scores = []
    for code in sorted(set(gold)):
        both = sum(g == c == code for g, c in zip(gold, coded))
        either = sum(g == code for g in gold) + sum(c == code for c in coded)
        scores.append(2 * both / either)
    return sum(scores) / len(scores)


def bootstrap(gold, coded, draws=1000):
    chance, n, scores = random.Random(1), len(gold), []
    for _ in range(draws):
        drawn = [chance.randrange(n) for _ in range(n)]
        scores.append(macro_f1([gold[i] for i in drawn], [coded[i] for i in drawn]))
    scores.sort()
    return scores[round(0.025 * draws)], scores[round(0.975 * draws) - 1]


def real(konflik, path):
    model = konflik.train(PROJECT / "corpus/statements.csv", CODEBOOK)
    evaluation = konflik.evaluate(path, model)
    overall("real, corpus alone", evaluation)
    slices(evaluation)


def sources(konflik, path):
    ours, theirs = read(PROJECT / "corpus/statements.csv"), read(path)
    columns = ["id", "text", "lang", "conflict", "topic", "group"]
    for row in theirs:
        row["group"] = row["id"]
    gold = {v: [] for v in ("conflict", "topic")}
    coded = {v: [] for v in gold}
    for source in sorted({row["source"] for row in theirs}):
        rest = ours + [row for row in theirs if row["source"] != source]
        model = konflik.train(write(konflik.folder / "rest.csv", rest, columns), CODEBOOK)
        held_out = [row for row in theirs if row["source"] == source]
        out = konflik.folder / "labelled.csv"
        konflik.run("label", write(konflik.folder / "held.csv", held_out, columns), "--model", model, "-o", out, "--force", "--quiet")
        labelled = read(out)
        for v in gold:
            gold[v] += [row[v] for row in labelled]
            coded[v] += [row[f"konflik_{v}"] for row in labelled]
    for v in gold:
        line("real, each source left out", f"{v} macro-F1", macro_f1(gold[v], coded[v]), bootstrap(gold[v], coded[v]))


def banking(konflik, folder, encoder):
    columns = ["id", "text", "intent"]
    parts = {}
    for part in ("train", "test"):
        rows = read(folder / f"{part}.csv")
        parts[part] = [{"id": f"{part}{i}", "text": r["text"], "intent": r.get("category") or r["label"]} for i, r in enumerate(rows)]
    codes = sorted({r["intent"] for r in parts["train"]})
    codebook = konflik.folder / "banking.toml"
    names = {code: "".join(c if c.isalnum() else "_" for c in code.lower()).strip("_") for code in codes}
    lines = ["schema_version = 1", 'id = "banking77"', 'version = "1"', 'title = { en = "Banking77" }', 'languages = ["en"]']
    lines += ["[[variable]]", 'id = "intent"', 'name = { en = "Intent" }', 'question = { en = "What does the customer ask?" }']
    for code in codes:
        words = code.replace("_", " ")
        lines += ["[[variable.code]]", f'id = "{names[code]}"', f'name = {{ en = "{words}" }}']
        lines += ['brief = { en = "A customer question" }', f'definition = {{ en = "The customer asks about: {words}." }}']
    codebook.write_text("\n".join(lines) + "\n")
    for rows in parts.values():
        for row in rows:
            row["intent"] = names[row["intent"]]
    test = write(konflik.folder / "test.csv", parts["test"], columns)
    sets = {"full": parts["train"]}
    for draw in (1, 2, 3):
        shuffled = parts["train"][:]
        random.Random(draw).shuffle(shuffled)
        few, seen = [], {}
        for row in shuffled:
            if seen.setdefault(row["intent"], 0) < 10:
                seen[row["intent"]] += 1
                few.append(row)
        sets[f"10-shot, draw {draw}"] = few
    encoders = [("", [], [])]
    if encoder:
        encoders.append((", sentence encoder", ["--encoder", encoder, "--cost", "30"], ["--encoder", encoder]))
    for suffix, train_options, options in encoders:
        for name, rows in sets.items():
            model = konflik.train(write(konflik.folder / "train.csv", rows, columns), codebook, *train_options)
            score = konflik.evaluate(test, model, *options)["variables"][0]["overall"]["accuracy"]
            line(f"Banking77, {name}{suffix}", "accuracy", score["value"], score["interval"])


def teacher(path, folder):
    sys.path.insert(0, str(PROJECT / "models/encoder"))
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import GroupKFold
    from teacher import Teacher

    ours, theirs = read(PROJECT / "corpus/statements.csv"), read(path)
    encoder = Teacher(folder)
    x, y = encoder.encode([r["text"] for r in ours]), encoder.encode([r["text"] for r in theirs])
    mean = x.mean(axis=0)
    scale = ((x - mean) ** 2).sum(axis=1).mean() ** 0.5
    x, y = (x - mean) / scale, (y - mean) / scale
    folds = list(GroupKFold(5).split(x, groups=[r["group"] for r in ours]))
    for v in ("conflict", "topic"):
        kept = [i for i, r in enumerate(ours) if r[v]]
        position = {i: k for k, i in enumerate(kept)}
        cv = [([position[i] for i in a if i in position], [position[i] for i in b if i in position]) for a, b in folds]
        fitted = LogisticRegressionCV(Cs=[0.01, 0.1, 1], cv=cv, scoring="f1_macro", max_iter=2000)
        fitted.fit(x[kept], [ours[i][v] for i in kept])
        coded = list(fitted.predict(y))
        gold = [r[v] for r in theirs]
        line("real, e5 vectors + logistic regression", f"{v} macro-F1", macro_f1(gold, coded), bootstrap(gold, coded))


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("konflik")
    args.add_argument("--real")
    args.add_argument("--sources", action="store_true")
    args.add_argument("--banking")
    args.add_argument("--encoder")
    args.add_argument("--teacher")
    args = args.parse_args()
    print("| model and data | score | value | 95 % interval |\n|---|---|---:|---|")
    with tempfile.TemporaryDirectory() as folder:
        konflik = Konflik(args.konflik, pathlib.Path(folder))
        if args.real:
            real(konflik, args.real)
        if args.real and args.sources:
            sources(konflik, args.real)
        if args.real and args.teacher:
            teacher(args.real, args.teacher)
        if args.banking:
            banking(konflik, pathlib.Path(args.banking), args.encoder)


if __name__ == "__main__":
    main()
