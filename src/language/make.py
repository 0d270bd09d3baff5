"""Makes words.txt, the lists of Indonesian and English words, from the corpus.

    python3 src/language/make.py

A word in at least three statements is Indonesian or English if it is eight times as frequent in
statements of that language; otherwise it belongs to both, like loanwords and names. Statements
with two strong words of regional languages (regional.txt) are left out.
"""

import collections
import csv
import re
import textwrap
from pathlib import Path

HERE = Path(__file__).parent
CORPUS = HERE.parent.parent / "corpus" / "statements.csv"
LEAST = 3
TIMES = 8


def words(text):
    found = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", text.lower())
    return {re.sub(r"(.)\1{2,}", r"\1", w.replace("’", "'")) for w in found}


regional = set()
strong = False
for line in (HERE / "regional.txt").read_text().splitlines():
    if line.startswith("["):
        strong = line.endswith("strong]")
    elif strong and not line.startswith("#"):
        regional.update(line.split())

counts = {language: collections.Counter() for language in ("id", "en", "mix")}
statements = collections.Counter()
with CORPUS.open() as file:
    for row in csv.DictReader(file):
        own = words(row["text"])
        if len(own & regional) < 2:
            statements[row["lang"]] += 1
            counts[row["lang"]].update(own)

lists = {"id": [], "en": [], "both": []}
for word in sorted(set().union(*counts.values())):
    if sum(c[word] for c in counts.values()) < LEAST or word in regional:
        continue
    indonesian = (counts["id"][word] + 0.3) / statements["id"]
    english = (counts["en"][word] + 0.3) / statements["en"]
    if indonesian > TIMES * english:
        lists["id"].append(word)
    elif english > TIMES * indonesian:
        lists["en"].append(word)
    else:
        lists["both"].append(word)

with (HERE / "words.txt").open("w") as file:
    file.write("# Made from the corpus by make.py.\n")
    for name, own in lists.items():
        file.write(f"\n[{name}]\n{textwrap.fill(' '.join(own), 100, break_on_hyphens=False)}\n")
print({name: len(own) for name, own in lists.items()})
