"""Runs the fuzz targets for a while each, from the seeds; README.md says what is needed.

    python3 tests/fuzz/run.py [--seconds N] [--target-dir DIR] [TARGET ...]
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Bytes of an input; what is longer finds little more and takes longer.
LONGEST = 16_384
# Seconds an input may take, and megabytes it may need.
PATIENCE, MEMORY = 10, 1024


def seeds(folder: pathlib.Path) -> list[str]:
    """Writes the seeds of each target into a folder of its name; returns the targets."""
    targets = []
    for number, line in enumerate((HERE / "seeds.txt").read_text().splitlines()):
        target, path = line.split(" ", 1)
        file, _, member = path.partition("!")
        data = zipfile.ZipFile(ROOT / file).read(member) if member else (ROOT / file).read_bytes()
        (folder / target).mkdir(exist_ok=True)
        (folder / target / f"{number:03}").write_bytes(data)
        if target not in targets:
            targets.append(target)
    return targets


def run(target: str, corpus: pathlib.Path, seconds: int, more: list[str]) -> bool:
    """Runs one target; whether nothing broke it."""
    found = corpus.parent / f"{target}-found"
    found.mkdir()
    command = ["cargo", "+nightly", "fuzz", "run", "--fuzz-dir", str(HERE), "--sanitizer", "none", *more, target, str(corpus), "--"]
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={PATIENCE}", f"-rss_limit_mb={MEMORY}"]
    limits += [f"-artifact_prefix={found}/", "-print_final_stats=1"]
    done = subprocess.run(command + limits, cwd=ROOT, capture_output=True, text=True, errors="replace")
    runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    memory = re.search(r"peak_rss_mb: (\d+)", done.stderr)
    print(f"{target}: {runs[1] if runs else '?'} inputs, {memory[1] if memory else '?'} MB, exit {done.returncode}", flush=True)
    for path in sorted(found.iterdir()):
        kept = HERE / "regressions" / target / path.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, kept)
        print(f"  broken by {kept.relative_to(ROOT)}", flush=True)
    if done.returncode:
        print("\n".join(line for line in done.stderr.splitlines() if "panicked" in line or "ERROR" in line or "error" in line))
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--target-dir")
    parser.add_argument("targets", nargs="*")
    args = parser.parse_args()
    more = ["--target-dir", args.target_dir] if args.target_dir else []
    with tempfile.TemporaryDirectory() as folder:
        known = seeds(pathlib.Path(folder))
        whole = [run(target, pathlib.Path(folder) / target, args.seconds, more) for target in args.targets or known]
    return 0 if all(whole) else 1


if __name__ == "__main__":
    sys.exit(main())
