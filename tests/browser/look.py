"""Opens pages in Chromium as people will: on a phone and on a desk, by day and by night, printed.

    python look.py --out FOLDER [--chromium /usr/bin/chromium] PAGE.html...

Fails where axe-core finds something serious or critical, where a page is wider than the screen,
asks for anything beside itself, runs a script, or says something to the console. Screenshots and
PDFs are left in FOLDER, to be looked at.
"""

import argparse
import pathlib
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

SCREENS = {"phone": (375, 812), "desk": (1280, 900)}
GRAVE = {"serious", "critical"}
# Chromium takes no screenshot that is higher.
HIGHEST = 16_000


def look(browser, page_file, out, screen, scheme):
    """What is wrong with a page on one screen."""
    width, height = SCREENS[screen]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1
    )
    page = context.new_page()
    faults = []
    url = page_file.resolve().as_uri()
    page.on("request", lambda r: r.url != url and faults.append(f"asks for {r.url}"))
    page.on("console", lambda m: faults.append(f"console: {m.text}"))
    page.on("pageerror", lambda e: faults.append(f"script: {e}"))
    page.on("dialog", lambda d: (faults.append(f"dialog: {d.message}"), d.dismiss()))
    page.goto(url)
    if page.locator("script").count():
        faults.append("has a script")
    # What is folded has to be right too.
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        wide_ones = page.evaluate(
            """width => [...document.querySelectorAll('main *, header *')]
            .filter(e => !e.closest('.scroll') && !e.closest('svg') && e.getBoundingClientRect().right > width + 1)
            .slice(0, 5).map(e => e.tagName + '.' + e.className)""",
            width,
        )
        faults.append(f"is {wide} pixels wide on a screen of {width}: {wide_ones}")
    for violation in Axe().run(page).response["violations"]:
        where = [node["target"] for node in violation["nodes"][:3]]
        line = f"axe: {violation['impact']}: {violation['id']} ({len(violation['nodes'])}) {where}"
        if violation["impact"] in GRAVE:
            faults.append(line)
        else:
            print(f"  note: {page_file.name} {screen} {scheme}: {line}")
    page.evaluate("document.querySelectorAll('main details').forEach(d => { d.open = false })")
    name = f"{page_file.stem}-{screen}-{scheme}"
    tall = min(page.evaluate("document.documentElement.scrollHeight"), HIGHEST)
    page.set_viewport_size({"width": width, "height": tall})
    page.screenshot(path=out / f"{name}.png")
    if (screen, scheme) == ("desk", "dark"):
        page.pdf(path=out / f"{page_file.stem}.pdf", format="A4", margin={s: "15mm" for s in ("top", "bottom", "left", "right")})
    context.close()
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    failed = passed = 0
    with sync_playwright() as playwright:
        # The sandbox needs rights that a container's root has not.
        browser = playwright.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        for page_file in args.pages:
            for screen in SCREENS:
                for scheme in ("light", "dark"):
                    faults = look(browser, page_file, args.out, screen, scheme)
                    failed += bool(faults)
                    passed += not faults
                    for fault in faults:
                        print(f"{page_file.name} {screen} {scheme}: {fault}")
        browser.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
