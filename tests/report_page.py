#!/usr/bin/env python3
"""Looks at report pages in a real browser, Chromium, and fails if one is not as it should be.

    python3 tests/report_page.py drill/report.html drill/seed-1/report.html
    python3 tests/report_page.py --shots shots --browser /usr/bin/chromium run/report.html

Checked for each page, at 768, 1280 and 1920 pixels, in the light and in the dark scheme:

  * nothing is written to the console, neither by the page nor by the browser about the page;
  * nothing is fetched but the page itself (the empty icon in it is a `data:` address);
  * nothing has to be scrolled sideways, neither the page nor a box in it, and nothing sticks out;
  * it has one first-rank heading, a language and a title, and each drawing has a name or is hidden from
    those who listen;
  * the text has enough contrast with the paper (4.5 to 1, as WCAG AA asks).

It is also printed to PDF on A4 once. `--shots DIR` keeps a picture of each of these, and the PDF.

Needs nothing but Python's own library and Chromium, which is driven over a pipe: no port is opened. The tests of
`cargo test` need no browser; this is for whoever changes the page, and for CI where a browser is at hand.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

WIDTHS = (768, 1280, 1920)
SCHEMES = ("light", "dark")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

# What the page is asked about itself. Gives a list of complaints.
LOOK = r"""
(() => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`scrolls sideways: ${root.scrollWidth} > ${root.clientWidth}`);
  for (const box of document.querySelectorAll("body *")) {
    if (box.closest("svg") && box.tagName !== "svg") continue;
    const where = box.getBoundingClientRect();
    const name = `${box.tagName}.${box.getAttribute("class")}: ${box.textContent.trim().slice(0, 40)}`;
    if (where.width && (where.right > root.clientWidth + 1 || where.left < -1)) wrong.push(`sticks out: ${name}`);
    if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible")
      wrong.push(`has to be scrolled: ${name}`);
  }
  if (document.querySelectorAll("h1").length !== 1) wrong.push("has not exactly one h1");
  if (!root.lang || !document.title) wrong.push("has no language or no title");
  for (const drawing of document.querySelectorAll("svg")) {
    const outer = drawing.parentElement.closest("svg");
    if (!outer && !drawing.getAttribute("aria-label") && drawing.getAttribute("aria-hidden") !== "true")
      wrong.push("a drawing has no name");
  }
  const channel = (part) => ((part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).map(Number).map(channel);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const seen = new Set();
  for (const box of document.querySelectorAll("body *")) {
    const own = [...box.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || box.closest("title, defs")) continue;
    const style = getComputedStyle(box);
    const ink = light(box.closest("svg") ? style.fill : style.color);
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    const name = `${box.tagName}.${box.getAttribute("class")}`;
    if (ratio < 4.5 && !seen.has(name)) { seen.add(name); wrong.push(`too little contrast, ${ratio.toFixed(1)}: ${name}`); }
  }
  return wrong;
})()
"""


class Browser:
    """Chromium at the other end of two pipes: commands go in, answers and events come out."""

    def __init__(self, program, profile):
        to_browser, self.commands = os.pipe()
        self.answers, from_browser = os.pipe()

        def wire():
            # The browser reads file 3 and writes file 4. Both ends are first taken out of the way.
            read, write = os.dup(to_browser), os.dup(from_browser)
            os.dup2(read, 3)
            os.dup2(write, 4)

        quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", *quiet,
             "--force-color-profile=srgb", f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=wire, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.rest, self.events, self.session = 0, b"", [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable")

    def read(self):
        while b"\0" not in self.rest:
            part = os.read(self.answers, 1 << 20)
            if not part:
                sys.exit("the browser is gone")
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def until(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.read())

    def close(self):
        # Only the process that was started here is ended.
        self.process.terminate()
        self.process.wait()


def told(events, address):
    """What the page said or asked for that it should not."""
    for event in events:
        what = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            url = what["request"]["url"]
            if url != address and not url.startswith("data:"):
                yield f"fetches {url}"
        elif event.get("method") == "Runtime.consoleAPICalled":
            yield f"writes to the console: {what['type']} {what['args']}"
        elif event.get("method") == "Runtime.exceptionThrown":
            yield f"throws {what['exceptionDetails']['text']}"
        elif event.get("method") == "Log.entryAdded":
            yield f"makes the browser say: {what['entry']['text']}"


def look(browser, page, shots):
    address = page.resolve().as_uri()
    kept = str(page.with_suffix("")).strip("./").replace("/", "-")
    wrong = []
    for width in WIDTHS:
        for scheme in SCHEMES:
            at = f"{width} px, {scheme}"
            browser.events.clear()
            browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1,
                        mobile=False)
            browser.ask("Emulation.setEmulatedMedia",
                        features=[{"name": "prefers-color-scheme", "value": scheme}])
            browser.ask("Page.navigate", url=address)
            browser.until("Page.loadEventFired")
            answer = browser.ask("Runtime.evaluate", expression=LOOK, returnByValue=True)
            if "exceptionDetails" in answer:
                sys.exit(f"cannot look: {answer['exceptionDetails']}")
            found = answer["result"]["value"] + list(told(browser.events, address))
            wrong += [f"{page}, {at}: {complaint}" for complaint in found]
            if shots:
                picture = browser.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
                (shots / f"{kept}-{width}-{scheme}.png").write_bytes(base64.b64decode(picture))
    browser.ask("Emulation.clearDeviceMetricsOverride")
    pdf = base64.b64decode(browser.ask("Page.printToPDF", paperWidth=8.27, paperHeight=11.69,
                                       printBackground=False, preferCSSPageSize=True)["data"])
    if not pdf.startswith(b"%PDF"):
        wrong.append(f"{page}: cannot be printed")
    if shots:
        (shots / f"{kept}.pdf").write_bytes(pdf)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=pathlib.Path, help="report.html of a run or of a drill")
    parser.add_argument("--shots", type=pathlib.Path, help="a directory for pictures of what was looked at")
    parser.add_argument("--browser", help="Chromium, where it is not found by itself")
    arguments = parser.parse_args()
    program = arguments.browser or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not program:
        sys.exit("no Chromium here: name one with --browser")
    if arguments.shots:
        arguments.shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            wrong = [one for page in arguments.pages for one in look(browser, page, arguments.shots)]
        finally:
            browser.close()
    for complaint in wrong:
        print(complaint)
    if wrong:
        sys.exit(1)
    widths = ", ".join(map(str, WIDTHS))
    print(f"{len(arguments.pages)} pages are as they should be at {widths} px, in light, in dark and in print")


if __name__ == "__main__":
    main()
