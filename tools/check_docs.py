"""Look at the built documentation: python tools/check_docs.py docs/_build/html [--browser] [--pictures FOLDER].

Every page must be reachable by links, every internal link must lead somewhere (anchors too), every picture must be
there and every public name in the index. With ``--browser``, Chromium opens every page at the width of a phone and of a
desk, light and dark: nothing may stick out at the side, pictures must show, and the search must find Conv2D;
``--pictures`` saves how some of the pages look.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SIZES = {"phone": (390, 844), "desk": (1280, 900)}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files",
    "--remote-debugging-pipe",
)
SHOWN = ("index.html", "guide/tutorial/convolution.html", "guide/tutorial/looking_inside.html", "performance.html")
SHOWN += ("generated/gallery/index.html", "api/layers.html", "generated/api/fastconv.layers.Conv2D.html")
SHOWN += ("guide/troubleshooting.html", "search.html?q=Conv2D")
ALIKE = "generated/api/"  # these are looked at in one width, the narrow one
NOT_OURS = ("benchmarks/", "_static/", "_modules/", "_sources/")  # asv's page lives on scripts from elsewhere


# -- files -------------------------------------------------------------------------------------------------------
class Page(HTMLParser):
    """What one page links to and shows, and which anchors it has."""

    def __init__(self, text):
        super().__init__()
        self.links, self.images, self.anchors = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Take note of links, pictures and anchors."""
        attrs = dict(attrs)
        self.anchors |= {attrs[key] for key in ("id", "name") if attrs.get(key)}
        if tag in ("a", "link") and attrs.get("href"):
            self.links.append(attrs["href"])
        if tag in ("img", "script") and attrs.get("src"):
            self.images.append(attrs["src"])
            if tag == "img" and "alt" not in attrs:
                self.images.append(f"{attrs['src']}: no alt")


def read_pages(folder):
    """Return the pages of a folder by their paths from there."""
    files = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*.html"))}
    return {
        name: Page(file.read_text(encoding="utf-8")) for name, file in files.items() if not name.startswith(NOT_OURS)
    }


def check_files(folder, pages):
    """Return what is wrong with links and pictures."""
    wrong, reached = [], {"index.html", "genindex.html", "search.html", "py-modindex.html"}
    for name, page in pages.items():
        for target in page.links + page.images:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            path = unquote(parts.path)
            file = (folder / name).parent / path if path else folder / name
            file = Path(os.path.normpath(file))
            if file.parent == folder / "benchmarks" and not file.parent.exists():
                continue  # asv has not published here
            if not file.is_file():
                wrong.append(f"{name}: {target} leads nowhere")
                continue
            to = file.relative_to(folder).as_posix()
            if to != name:
                reached.add(to)
            if parts.fragment and to in pages and unquote(parts.fragment) not in pages[to].anchors:
                wrong.append(f"{name}: {target}: there is no such place on that page")
    return wrong + [f"{name}: no page links to it" for name in sorted(set(pages) - reached)]


def check_index(folder):
    """Return which public names of fastconv are not in the index of objects."""
    data = (folder / "objects.inv").read_bytes().split(b"\n", 4)[4]
    known = {line.split(" ")[0] for line in zlib.decompress(data).decode().splitlines()}
    return [f"objects.inv: {name} is not described" for name in sorted(public_names() - known)]


def public_names():
    """Return the full names of all public classes and functions, and of the public modules."""
    import inspect

    import fastconv

    names = set()
    for member in fastconv.__all__:
        thing = getattr(fastconv, member)
        if inspect.ismodule(thing):
            inner = [name for name in thing.__all__ if not name.startswith("_")]
            names |= {f"fastconv.{member}"} | {
                f"fastconv.{member}.{name}" for name in inner if not isinstance(getattr(thing, name), (str, tuple))
            }
        elif not member.startswith("_"):
            names.add(f"fastconv.{member}")
    return names


# -- browser -----------------------------------------------------------------------------------------------------
class Browser:
    """Chromium, spoken to through a pair of pipes; a context manager."""

    def __init__(self, program):
        self.program, self.count, self.buffer = program, 0, b""

    def __enter__(self):
        self.home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (there, self.to), (self.back, here) = os.pipe(), os.pipe()
        command = [self.program, *FLAGS, f"--user-data-dir={self.home.name}", "about:blank"]
        # Chromium reads from descriptor 3 and writes to 4.
        shell = ["bash", "-c", f'exec "$@" 3<&{there} 4>&{here}', "bash", *command]
        self.process = subprocess.Popen(
            shell, pass_fds=(there, here), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(there)
        os.close(here)
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        return self

    def __exit__(self, *failure):
        self.process.terminate()
        self.process.wait(10)
        os.close(self.to)
        os.close(self.back)
        self.home.cleanup()

    def ask(self, method, **params):
        """Send a command and return its result."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        answer = self._until(lambda message: message.get("id") == self.count)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _until(self, wanted):
        while True:
            while b"\0" not in self.buffer:
                part = os.read(self.back, 1 << 16)
                if not part:
                    raise RuntimeError("the browser has gone")
                self.buffer += part
            message, _, self.buffer = self.buffer.partition(b"\0")
            message = json.loads(message)
            if wanted(message):
                return message

    def size(self, width, height):
        """Make the window as large as this."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def mode(self, mode):
        """Prefer light or dark."""
        features = [{"name": "prefers-color-scheme", "value": mode}]
        self.ask("Emulation.setEmulatedMedia", media="", features=features)

    def open(self, url):
        """Open a page and wait until all of it is there."""
        self.ask("Page.navigate", url=url)
        self._until(lambda message: message.get("method") == "Page.loadEventFired")

    def value(self, expression):
        """Return what a piece of JavaScript gives."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return answer["result"].get("value")

    def picture(self, file):
        """Save how the page looks."""
        file.write_bytes(b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))


LOOK = """(async () => {
    const wrong = [];
    for (const image of document.images) {
        image.loading = "eager";
        try { await image.decode(); } catch { }
        const shown = getComputedStyle(image).display != "none";
        if (shown && !image.naturalWidth) wrong.push("does not show " + image.src);
    }
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (wide > 1) {
        const right = document.documentElement.clientWidth + 1, all = [...document.querySelectorAll("article *")];
        const culprits = all.filter(e => e.getBoundingClientRect().right > right);
        const names = culprits.slice(0, 3).map(e => e.tagName.toLowerCase() + "." + e.className);
        wrong.push("sticks out by " + wide + " pixels: " + names.join(", "));
    }
    return wrong;
})()"""
FOUND = """new Promise(done => {
    let left = 100;
    const look = () => {
        const links = [...document.querySelectorAll("#search-results li a")].map(a => a.textContent);
        if (links.some(text => text.includes("Conv2D")) || !left--) done(links); else setTimeout(look, 50);
    };
    look();
})"""


def check_in_browser(folder, pages, program, pictures):
    """Return what is wrong with how the pages look."""
    wrong = []
    with Browser(program) as browser:
        for size, (width, height) in SIZES.items():
            browser.size(width, height)
            for name in pages:
                if size == "phone" or not name.startswith(ALIKE):
                    browser.open((folder / name).as_uri())
                    wrong += [f"{name}, {size}: {what}" for what in browser.value(LOOK)]
        browser.open((folder / "search.html").as_uri() + "?q=Conv2D")
        found = browser.value(FOUND)
        if not any("Conv2D" in text for text in found):
            wrong.append(f"the search for Conv2D finds {found}")
        if pictures:
            take_pictures(browser, folder, pictures)
    return wrong


def take_pictures(browser, folder, pictures):
    """Save how some pages look at each width, light and dark."""
    pictures.mkdir(parents=True, exist_ok=True)
    for size, (width, height) in SIZES.items():
        browser.size(width, height * 2)
        for mode in ("light", "dark"):
            browser.mode(mode)
            for name in SHOWN:
                path, _, query = name.partition("?")
                browser.open((folder / path).as_uri() + ("?" + query if query else ""))
                browser.value(FOUND if query else LOOK)
                browser.picture(pictures / f"{path.removesuffix('.html').replace('/', '-')}-{size}-{mode}.png")


def main():
    """Check, print what is wrong, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="the built pages")
    parser.add_argument("--browser", action="store_true", help="look at the pages in Chromium, if it is there")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the pages")
    options = parser.parse_args()
    folder = options.folder.resolve()
    pages = read_pages(folder)
    wrong = check_files(folder, pages) + check_index(folder)
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if options.browser and program is None:
        print("note: there is no Chromium; how the pages look is not checked")
    elif options.browser:
        wrong += check_in_browser(folder, pages, program, options.pictures)
    print("\n".join(wrong))
    print(f"{len(pages)} pages, {len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
