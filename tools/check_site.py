#!/usr/bin/env python3
"""Looks at every page of the site in headless Chromium: `check_site.py SITE SCREENSHOTS`.

On a phone and on a desk: the page is no wider than the screen, its text can be read, its pictures are there and nothing
fails. Links between pages, and to places in them, lead somewhere. Leaves screenshots of the written pages. Exit status 0
if nothing is wrong. Needs Debian's chromium-driver and python3-selenium.
"""
import functools
import http.server
import pathlib
import sys
import threading
import urllib.parse

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

SCREENS = {"phone": (390, 844, True), "desk": (1280, 900, False)}
LOOK = """
const wide = [...document.querySelectorAll('.contents *')].filter(element => {
  const box = element.getBoundingClientRect();
  for (let outer = element; outer; outer = outer.parentElement) {
    if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(outer).overflowX)) return false;
  }
  return box.width > 0 && box.right > innerWidth + 1;
});
return {
  title: document.title,
  width: document.documentElement.scrollWidth,
  wide: wide.slice(0, 3).map(element => element.outerHTML.slice(0, 80)),
  small: [...document.querySelectorAll('.contents p, .contents li, .contents td, .contents div.line')]
    .filter(element => element.offsetWidth && parseFloat(getComputedStyle(element).fontSize) < 11)
    .slice(0, 3).map(element => element.textContent.slice(0, 40)),
  broken: [...document.images].filter(image => !image.naturalWidth && image.offsetParent).map(image => image.src),
  ids: [...document.querySelectorAll('[id], a[name]')].map(element => element.id || element.name),
  links: [...document.querySelectorAll('a[href]')].map(element => element.href),
};
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def open_browser():
    options = Options()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service("chromedriver"), options=options)


def main():
    site, screenshots = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    screenshots.mkdir(parents=True, exist_ok=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}/"
    errors, ids, links = [], {}, []

    browser = open_browser()
    try:
        for page in sorted(path.name for path in site.glob("*.html")):
            written = page == "index.html" or page.startswith("md_")
            for screen, (width, height, mobile) in SCREENS.items():
                browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                    "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile})
                browser.get(root + page)
                seen = browser.execute_script(LOOK)
                where = f"{page} on a {screen}"
                if seen["width"] > width or seen["wide"]:
                    errors.append(f"{where}: {seen['width']} wide, not {width}: {seen['wide']}")
                errors += [f"{where}: too small to read: {text}" for text in seen["small"]]
                errors += [f"{where}: no picture: {source}" for source in seen["broken"]]
                errors += [f"{where}: {entry['message']}" for entry in browser.get_log("browser")
                           if entry["level"] == "SEVERE" and "favicon.ico" not in entry["message"]]
                if written:
                    browser.save_screenshot(str(screenshots / f"{pathlib.Path(page).stem}_{screen}.png"))
            ids[page] = set(seen["ids"])
            links += [(page, link) for link in seen["links"]]
    finally:
        browser.quit()

    for page, link in sorted(set(links)):
        if link.startswith(root):
            target, _, place = link.removeprefix(root).partition("#")
            target = urllib.parse.unquote(target) or "index.html"
            if not (site / target).is_file():
                errors.append(f"{page}: leads to {target}, which is not there")
            elif place and target in ids and urllib.parse.unquote(place) not in ids[target]:
                errors.append(f"{page}: leads to {target}#{place}, which is not there")
        elif not link.startswith(("https://", "javascript:")):
            errors.append(f"{page}: leads out of the site to {link}")
    for error in errors:
        print(error, file=sys.stderr)
    print(f"{len(ids)} pages, {len(set(links))} links, {len(errors)} errors")
    return 1 if errors or len(ids) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
