"""Memory of `konflik label` and `konflik ingest` on a feed of any size: it must not grow with the file.

    cargo build --release && python3 benches/memory.py [--bytes 1000000000] [--folder DIR]

Rows are drawn from the words of the corpus with a seed, one word in fifty made up, so that they are distinct and new words
keep coming. The peak is that of the whole process (`ru_maxrss`). A feed of a thousand rows shows what the model alone takes.
The feed is deleted at the end.
"""

import argparse
import csv
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What a feed may take beyond the model.
ALLOWED = 128
SMALL = 1000
BLOCK = 50_000


def words() -> list[str]:
    """All words of the corpus, as often as they stand there."""
    with open(ROOT / "corpus/statements.csv", newline="", encoding="utf-8") as table:
        return [word for row in csv.DictReader(table) for word in row["text"].split()]


def lines(rng: random.Random, vocabulary: list[str]):
    """Rows without end, as CSV."""
    number = 0
    while True:
        # A block of words at once: drawing them one by one would take longer than reading them.
        block = rng.choices(vocabulary, k=BLOCK)
        for at in rng.sample(range(BLOCK), BLOCK // 50):
            block[at] = "".join(rng.choices("abcdefghijklmnoprstuwy", k=rng.randint(4, 12)))
        at = 0
        while at < BLOCK:
            length = 4 + int(rng.random() * 21)
            text = " ".join(block[at : at + length]).replace('"', '""')
            at, number = at + length, number + 1
            yield f'{number},"{text}",2026-01-{number % 28 + 1:02}\n'


def write_feed(path: pathlib.Path, vocabulary: list[str], enough) -> tuple[int, int]:
    """Writes rows until `enough(rows, bytes)`; returns both."""
    rng = random.Random(1)
    size = rows = 0
    with open(path, "w", encoding="utf-8", newline="") as feed:
        size += feed.write("id,text,date\n")
        for line in lines(rng, vocabulary):
            if enough(rows, size):
                return rows, size
            feed.write(line)
            size += len(line.encode())
            rows += 1


def peak(command: list[str]) -> tuple[float, float]:
    """Megabytes at the peak, and seconds."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss / 1024, time.monotonic() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bytes", type=int, default=1_000_000_000)
    parser.add_argument("--binary", default=str(ROOT / "target/release/konflik"))
    parser.add_argument("--folder", help="where there is room for the feed")
    args = parser.parse_args()
    vocabulary = words()
    grown = False
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        small, large = pathlib.Path(folder) / "small.csv", pathlib.Path(folder) / "large.csv"
        write_feed(small, vocabulary, lambda rows, _: rows >= SMALL)
        rows, size = write_feed(large, vocabulary, lambda _, size: size >= args.bytes)
        print(f"{size / 1e6:,.0f} MB, {rows:,} rows")
        for verb, options in [("label", []), ("ingest", ["--redact"])]:
            run = lambda feed: peak([args.binary, verb, str(feed), "--quiet", *options])
            (before, _), (after, seconds) = run(small), run(large)
            grown |= after - before > ALLOWED
            name = " ".join([verb, *options])
            print(f"{name}: {before:.0f} MB for {SMALL:,} rows, {after:.0f} MB for all, {rows / seconds:,.0f} rows/s", flush=True)
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
