"""Loosens the cases after `TRYCMD=overwrite cargo test --test cli`: what a newly trained starter
model may change (hashes, probabilities, unsure codes) becomes `[..]` or `...`.

    python3 tests/cmd/loosen.py
"""

import pathlib
import re

HERE = pathlib.Path(__file__).parent


def loosen(line):
    line = re.sub(r"\b([\w-]+)@[0-9a-f]{8}\b", r"\1@[..]", line)
    if "starter@[..]" in line and re.search(r"[,;\t]starter@", line):
        # A labelled row: the code of a sure prediction stays, the rest may change.
        line = re.sub(r"([,;\t])(realistic|non_realistic|none)\1(0\.9[5-9]\d\d|1\.0000)\1auto\1.*", r"\1\2\1[..]", line)
        line = re.sub(r"([,;\t])(realistic|non_realistic|none)\1\d\.\d{4}\1.*", r"\1[..]", line)
        line = re.sub(r"((?:abstain|no_statement)[,;\t]+starter@).*", r"\1[..]", line)
    if line.startswith("{") and "konflik_conflict" in line:
        line = re.sub(r'("konflik_conflict":).*', r"\1[..]", line)
    if re.match(r"  (conflict|topic): .*\(auto", line):
        line = re.sub(r": .*", ": [..] (auto [..], review [..], abstain [..])", line)
    if "” realistic (" in line:
        line = re.sub(r"\(\d\.\d\d\)", "([..])", line)
    if "trained with codebook" in line:
        line = re.sub(r"codebook [0-9a-f]{12},", "codebook [..],", line)
    return line


for case in sorted(HERE.glob("*.trycmd")):
    text = case.read_text()
    if case.name == "evaluate.trycmd":
        # Scores of the starter model: their form is seen in the other cases.
        text = re.sub(
            r"(\$ konflik evaluate gold.csv --quiet\n)\d+ statements(?:.+\n|\n(?!\$|```))+",
            r"\1[..] statements of gold.csv; [..]\n...\n\n",
            text,
        )
    case.write_text("\n".join(loosen(line) for line in text.split("\n")))
