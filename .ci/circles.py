"""Finds modules of src that import each other in a circle, and imports that run upward.

    python3 .ci/circles.py

A name that a module only passes on counts as the module that defines it. A module inside another
is a part of it, so what it takes from the outer one does not count; imports of tests do not either. Prints the circles; the exit code is 1 if there is one.
"""
import pathlib
import re
import sys

SRC = pathlib.Path(__file__).parent.parent / "src"
# No module imports one to its right.
ORDER = ["error", "base", "codebook", "ingest", "corpus", "tokenize", "language", "features", "model",
         "label", "evaluate", "batch", "export", "report", "cli"]


def module_of(path):
    parts = list(path.relative_to(SRC).with_suffix("").parts)
    return tuple(parts[:-1] if parts[-1] in ("mod", "lib", "main") else parts)


def leaves(tree):
    """`a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`, with new names left out."""
    tree = tree.strip()
    found = re.match(r"(.*?)\{(.*)\}$", tree, re.S)
    if not found:
        return [re.sub(r"\s+as\s+\w+$", "", tree)]
    parts, depth, start = [], 0, 0
    inner = found[2] + ","
    for i, c in enumerate(inner):
        depth += (c == "{") - (c == "}")
        if c == "," and depth == 0:
            parts.append(inner[start:i])
            start = i + 1
    return [found[1].strip() + leaf for part in parts if part.strip() for leaf in leaves(part)]


def without_tests(text):
    text = re.split(r"#\[cfg\(test\)\]\s*(?:pub\(crate\) )?mod \w+ \{", text)[0]
    return re.sub(r"//[^\n]*", "", text)


FILES = {module_of(path): without_tests(path.read_text(encoding="utf-8"))
         for path in sorted(SRC.rglob("*.rs")) if path.name not in ("main.rs", "tests.rs")}


def absolute(module, path):
    parts = [part.strip() for part in path.split("::")]
    if parts[0] == "crate":
        return parts[1:]
    base = list(module)
    while parts and parts[0] in ("super", "self"):
        base = base[:-1] if parts[0] == "super" else base
        parts = parts[1:]
        if parts == [] or parts[0] not in ("super", "self"):
            return base + parts
    return base + parts if (*module, parts[0]) in FILES else None


def uses(module):
    text = FILES[module]
    for found in re.finditer(r"^\s*(pub(?:\([^)]*\))? )?use ([^;]+);", text, re.M):
        for leaf in leaves(found[2]):
            path = absolute(module, leaf)
            if path is not None:
                yield bool(found[1]), path
    inline = re.sub(r"^\s*(?:pub(?:\([^)]*\))? )?use [^;]+;", "", text, flags=re.M)
    for found in re.finditer(r"\bcrate(?:::\w+)+", inline):
        yield False, found[0].split("::")[1:]
    for found in re.finditer(r"(?<![:\w])(\w+)((?:::\w+)+)", inline):
        if (*module, found[1]) in FILES:
            yield False, [*module, found[1], *found[2].split("::")[1:]]


PASSED_ON = {}
for module in FILES:
    for is_public, path in uses(module):
        if is_public and path:
            PASSED_ON[(*module, path[-1])] = path


def home(path, seen=()):
    """The module that defines what a path names."""
    for end in range(len(path), -1, -1):
        owner = tuple(path[:end])
        if owner in FILES:
            break
    if end < len(path):
        passed = PASSED_ON.get((*owner, path[end]))
        if passed is not None and tuple(passed) not in seen:
            return home(passed, (*seen, tuple(passed)))
    return owner


def imports(module):
    found = {home(path) for is_public, path in uses(module) if not is_public}
    return {other for other in found if module[:len(other)] != other}


EDGES = {module: imports(module) for module in FILES if module}


def circles():
    """Strongly connected components of more than one module (Tarjan 1972)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in EDGES.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted("/".join(module) for module in group))

    sys.setrecursionlimit(10_000)
    for node in EDGES:
        if node not in index:
            visit(node)
    return found


def upward():
    rank = {name: i for i, name in enumerate(ORDER)}
    for module, others in EDGES.items():
        for other in others:
            if rank.get(module[0], 99) < rank.get(other[0], -1):
                yield f"{'/'.join(module)} imports {'/'.join(other)}"


faults = [f"circle: {', '.join(group)}" for group in circles()] + sorted(upward())
print("\n".join(faults) or f"{len(EDGES)} modules, no circle, no import upward")
sys.exit(bool(faults))
