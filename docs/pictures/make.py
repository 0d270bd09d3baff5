"""Makes the pictures of the README from what a konflik binary prints and writes.

    python3 docs/pictures/make.py target/release/konflik [--chromium chromium]

`terminal.svg` is a short cast of two commands; `report-*.png`, `report.id-*.png` (in Indonesian) and
`queues-*.png` show the report page by day and by night. The only input is `corpus/examples/complaints.csv`
and the example rules. Needs Chromium and nothing beside Python's standard library; runs where there are
pseudo-terminals.
"""

import argparse
import fcntl
import html
import os
import pathlib
import pty
import re
import shlex
import shutil
import struct
import subprocess
import tempfile
import termios

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXAMPLE = "corpus/examples/complaints.csv"
ROUTES = "examples/routes/routes.toml"

COMMANDS = [
    f"konflik label {EXAMPLE} -o labelled.csv",
    "konflik report labelled.csv -o report.html",
]

# Of the terminal: its columns, and the size of a cell in pixels.
COLUMNS, ROWS = 98, 40
WIDTH, HEIGHT = 8.43, 19
MARGIN, TOP = 18, 20
# In seconds.
A_KEY, BEFORE_OUTPUT, A_LINE, BEFORE_COMMAND = 0.045, 0.5, 0.05, 1.4

# SGR parameters that konflik uses, as classes of the style sheet.
CLASSES = {"0": "", "1": "b", "32": "g", "33": "y", "34": "u", "35": "m"}

STYLE = """
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d5dbe3;white-space:pre}
.b{font-weight:700;fill:#fff}.g{fill:#57c96b}.y{fill:#e0af45}.u{fill:#5aa9f5}.m{fill:#d0a3f2}.p{fill:#8b97a7}
.cover{display:none;pointer-events:none}
@media (prefers-reduced-motion:no-preference){
.line{animation:show 0s both}
.cover{display:inline;animation:type both,hide 0s both}
@keyframes show{from{opacity:0}to{opacity:1}}
@keyframes hide{to{visibility:hidden}}
@keyframes type{to{transform:translateX(var(--to))}}
}"""

LIGHT, DARK = "1", "0"
LARGEST_CAST, LARGEST_PICTURE = 20_000, 150_000


def typed(command, folder, binary):
    """What a terminal shows of a command: lines, with colours, without progress that was wiped."""
    args = shlex.split(command)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.execv(binary, args)
    output = b""
    while True:
        try:
            piece = os.read(terminal, 1 << 16)
        except OSError:  # what Linux says at the end of a terminal
            piece = b""
        if not piece:
            break
        output += piece
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise SystemExit(f"{command}: {output.decode()}")
    lines = output.decode().replace("\r\n", "\n").rstrip("\n").split("\n")
    return [re.split(r"\x1b\[2K|\r", line)[-1].rstrip() for line in lines]


def runs(line):
    """Pieces of a line in one colour, each with its first column."""
    column, colour = 0, ""
    for part in re.split(r"(\x1b\[\d+m)", line):
        sgr = re.fullmatch(r"\x1b\[(\d+)m", part)
        if sgr:
            colour = CLASSES[sgr[1]]
        elif part:
            yield column, colour, part
            column += len(part)


def text(y, pieces):
    spans = []
    for column, colour, piece in pieces:
        named = f' class="{colour}"' if colour else ""
        spans.append(f'<tspan x="{MARGIN + column * WIDTH:.1f}"{named}>{html.escape(piece, quote=False)}</tspan>')
    return f'<text y="{y}" xml:space="preserve">{"".join(spans)}</text>'


def cast(outputs):
    """The commands and what they print, as an SVG that types them once."""
    body, row, clock = [], 0, 0.6
    width = round(2 * MARGIN + COLUMNS * WIDTH)
    for command, lines in zip(COMMANDS, outputs):
        y = TOP + row * HEIGHT + 14
        duration = len(command) * A_KEY
        body.append(f'<g class="line" style="animation-delay:{clock - 0.4:.2f}s">')
        body.append(text(y, [(0, "p", "$ "), (2, "b", command)]))
        left = MARGIN + 2 * WIDTH
        timing = (
            f"--to:{len(command) * WIDTH:.1f}px;animation-duration:{duration:.2f}s,0s;"
            f"animation-timing-function:steps({len(command)}),linear;"
            f"animation-delay:{clock:.2f}s,{clock + duration + 0.3:.2f}s"
        )
        body.append(
            f'<g class="cover" style="{timing}"><rect x="{left:.1f}" y="{y - 15}" width="{width}" height="{HEIGHT}" '
            f'fill="#10151c"/><rect x="{left:.1f}" y="{y - 13}" width="8" height="16" fill="#d5dbe3"/></g></g>'
        )
        clock += duration + BEFORE_OUTPUT
        row += 1
        for line in lines:
            if line:
                line_y = TOP + row * HEIGHT + 14
                body.append(f'<g class="line" style="animation-delay:{clock:.2f}s">')
                body.append(text(line_y, runs(line)))
                body.append("</g>")
            clock += A_LINE
            row += 1
        row += 1
        clock += BEFORE_COMMAND
    height = 2 * TOP + (row - 1) * HEIGHT
    title = "A terminal: konflik labels a file of complaints, then writes a report"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{title}">\n<title>{title}</title>\n<style>{STYLE}\n</style>\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#10151c"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def photograph(chromium, page, scheme, size, picture):
    """The top of a page in Chromium, by day or night."""
    subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--force-device-scale-factor=1", f"--blink-settings=preferredColorScheme={scheme}",
            f"--window-size={size[0]},{size[1]}", f"--screenshot={picture}", page.as_uri(),
        ],
        check=True,
        capture_output=True,
    )
    if picture.stat().st_size > LARGEST_PICTURE:
        raise SystemExit(f"{picture.name} has more than {LARGEST_PICTURE} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("konflik", type=pathlib.Path, help="the binary")
    parser.add_argument("--chromium", default=shutil.which("chromium") or "chromium")
    args = parser.parse_args()
    binary = args.konflik.resolve()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for name in (EXAMPLE, ROUTES):
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, work / name)

        drawing = cast([typed(command, work, binary) for command in COMMANDS])
        if len(drawing.encode()) > LARGEST_CAST:
            raise SystemExit(f"the cast has more than {LARGEST_CAST} bytes")
        (HERE / "terminal.svg").write_text(drawing)

        def run(*words):
            subprocess.run([binary, *words, "--quiet"], cwd=work, check=True)

        run("label", EXAMPLE, "--duplicates", "-o", "feed.csv")
        for lang in ("en", "id"):
            run("report", "feed.csv", "--routes", ROUTES, "--lang", lang, "-o", f"feed.{lang}.html")
        # Of one page only the queues are shown.
        queues = "header,nav,section:not([aria-labelledby=triage]){display:none}#triage{margin:0;padding:0;border:0}"
        for name, lang, hidden, size in [
            ("report", "en", "", (1000, 1195)),
            ("report.id", "id", "", (1000, 1232)),
            ("queues", "en", queues, (1000, 818)),
        ]:
            page = (work / f"feed.{lang}.html").read_text()
            shown = work / f"{name}.html"
            shown.write_text(page.replace("</head>", f"<style>{hidden}</style></head>", 1))
            for scheme, setting in [("light", LIGHT), ("dark", DARK)]:
                picture = work / f"{name}-{scheme}.png"
                photograph(args.chromium, shown, setting, size, picture)
                shutil.copy(picture, HERE / picture.name)


if __name__ == "__main__":
    main()
