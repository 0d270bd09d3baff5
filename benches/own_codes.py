"""Learning curves of four codebooks of others: what the context encoder's vectors bring.

    python3 benches/own_codes.py KONFLIK DATA [--draws 3]

KONFLIK is the built command, DATA the folder with `real_train.csv` and `banking77/`, which are not
part of the project. The encoder has learned none of the codes. 50, 100 and 200 coded statements are
drawn and learned, with and without the encoder's vectors; macro-F1 is measured on 600 others. Prints
Markdown. Nothing but Python 3.11 is needed.
"""
import argparse
import collections
import csv
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from quality import macro_f1  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIZES, TESTED = [50, 100, 200], 600
CODEBOOK = """schema_version = 1
id = "own"
version = "1.0.0"
title = { en = "Own codes" }
languages = ["en", "id"]

[[variable]]
id = "theme"
name = { en = "Theme" }
question = { en = "Which theme?" }
"""
CODE = """
[[variable.code]]
id = "%s"
name = { en = "%s" }
brief = { en = "%s" }
definition = { en = "%s" }
"""


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def themes(data):
    """Name -> pairs of text and code."""
    own = rows(ROOT / "corpus" / "statements.csv")
    real = rows(data / "real_train.csv")
    banking = rows(data / "banking77" / "train.csv")
    largest = collections.Counter(r["category"] for r in banking).most_common(12)
    largest = {name for name, _ in largest}

    def code(text):
        return "".join(c if c.isalnum() else "_" for c in text.lower()).strip("_")

    return {
        "who speaks (our corpus)": [(r["text"], r["role"]) for r in own if r["role"]],
        "where a statement is from": [(r["text"], code(r["source"].rsplit("_", 1)[-1]))
                                      for r in real],
        "which app a review is of": [(r["text"], r["source"]) for r in real
                                     if r["source"].endswith("_app")],
        "twelve intents of bank customers": [(r["text"], code(r["category"])) for r in banking
                                             if r["category"] in largest],
    }


def scored(konflik, folder, train, test, options):
    for name, part in (("train", train), ("test", test)):
        with open(folder / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text", "theme"])
            writer.writerows((f"r{i}", *pair) for i, pair in enumerate(part))
    codes = sorted({c for _, c in train})
    (folder / "codebook.toml").write_text(CODEBOOK + "".join(CODE % ((c,) * 4) for c in codes))

    def run(*args):
        done = subprocess.run([konflik, *args, "--force", "--quiet"], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)

    run("train", folder / "train.csv", "--codebook", folder / "codebook.toml", "-o",
        folder / "model", *options)
    run("label", folder / "test.csv", "-o", folder / "out.csv", "--model", folder / "model",
        "--no-evidence")
    found = rows(folder / "out.csv")
    return macro_f1([r["theme"] for r in found], [r["konflik_theme"] for r in found])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("konflik")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--draws", type=int, default=3)
    args = parser.parse_args()
    print("| macro-F1 without / with the encoder | " + " | ".join(f"{n} coded" for n in SIZES)
          + " |\n|---|" + "---:|" * len(SIZES))
    with tempfile.TemporaryDirectory() as folder:
        for name, pairs in themes(args.data).items():
            cells = []
            for size in SIZES:
                scores = ([], [])
                for draw in range(args.draws):
                    drawn = random.Random(draw).sample(pairs, size + TESTED)
                    for kept, options in zip(scores, (["--without", "context"], [])):
                        kept.append(scored(args.konflik, pathlib.Path(folder), drawn[:size],
                                           drawn[size:], options))
                cells.append(" / ".join(f"{statistics.mean(s):.2f}" for s in scores))
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
