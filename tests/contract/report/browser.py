"""Chromium without a window: what it makes of a page, asks the network for, and complains of."""

from __future__ import annotations

import html
import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Of its own accord it would ask for updates, dictionaries and the time, and give its scrollbars some width.
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
)
_BY_ITSELF = "not an origin"
"""Who asked, in Chromium's network log, where no page did."""
_VOID = {"meta", "br", "img", "input", "link", "hr", "col"}


class Element(NamedTuple):
    """An element with what is in it."""

    tag: str
    attributes: dict[str, str]
    inside: list[Element | str]

    @property
    def text(self) -> str:
        """All text in it, spaces as a browser shows them."""
        told = " ".join(one if isinstance(one, str) else one.text for one in self.inside)
        return " ".join(told.split())

    def all(self, tag: str) -> list[Element]:
        """Elements of a kind, however deep."""
        found: list[Element] = []
        for one in self.inside:
            if isinstance(one, Element):
                found += ([one] if one.tag == tag else []) + one.all(tag)
        return found

    def id(self, name: str) -> Element:
        """The element of that id."""
        (found,) = self._with(name)
        return found

    def _with(self, name: str) -> list[Element]:
        found = [self] if self.attributes.get("id") == name else []
        for one in self.inside:
            if isinstance(one, Element):
                found += one._with(name)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {}, [])
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs}, [])
        self._open[-1].inside.append(made)
        if tag not in _VOID:
            self._open.append(made)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)


class Opened(NamedTuple):
    """A page as it is once it is loaded."""

    dom: Element
    requests: tuple[str, ...]
    """What it asked the network for."""
    complaints: tuple[str, ...]
    """Lines of its console."""


def executable() -> str | None:
    """Where it is; None if it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def opened(page: Path, scratch: Path) -> Opened:
    """Open a file. `scratch` is for the browser's own."""
    program = executable()
    assert program
    log = scratch / "network.json"
    done = subprocess.run(
        [program, "--headless=new", "--no-sandbox", "--disable-gpu", *_QUIET,
         f"--user-data-dir={scratch / 'profile'}", f"--log-net-log={log}", "--enable-logging=stderr",
         "--dump-dom", page.as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    reader = _Reader()
    reader.feed(done.stdout)
    complaints = tuple(line for line in done.stderr.splitlines() if ":CONSOLE" in line)
    return Opened(reader.root, tuple(_requests(json.loads(log.read_text()))), complaints)


def _requests(log: dict[str, Any]) -> list[str]:
    kinds = log["constants"]["logEventTypes"]
    started = [one["params"] for one in log["events"] if one["type"] == kinds["URL_REQUEST_START_JOB"]]
    return [one["url"] for one in started if "url" in one and one.get("initiator") != _BY_ITSELF]


def measured(page: Path, width: int, scratch: Path) -> dict[str, Any]:
    """Sizes of a page in a window of so many pixels: its own script-less self, in a frame of ours.

    `too_wide`: elements that reach over the right edge. `marks`: of each failure, how far from the left of
    its strip it stands, as a share. `plots`: how wide each picture is.
    """
    frame = scratch / f"frame-{width}.html"
    frame.write_text(_FRAME % {"width": width, "page": html.escape(page.read_text(), quote=True)})
    found: dict[str, Any] = json.loads(opened(frame, scratch).dom.id("told").text)
    return found


_FRAME = """<!doctype html><title>frame</title>
<iframe id="page" style="width:%(width)dpx;height:800px;border:0" srcdoc="%(page)s"></iframe>
<pre id="told"></pre>
<script>
document.getElementById("page").addEventListener("load", event => {
  const inside = event.target.contentDocument, root = inside.documentElement;
  const box = one => one.getBoundingClientRect();
  const strip = inside.getElementById("failed");
  const told = {
    width: root.clientWidth, wanted: root.scrollWidth,
    too_wide: [...inside.querySelectorAll("body *:not(svg *)")]
      .filter(one => box(one).right > root.clientWidth + 1 && box(one).width)
      .map(one => one.tagName + "." + one.className + " " + one.textContent.slice(0, 40)),
    marks: [...strip.querySelectorAll(".mark")]
      .map(one => (box(one).left + box(one).width / 2 - box(strip).left) / box(strip).width),
    plots: [...inside.querySelectorAll(".plot")].map(one => box(one).width),
    font: parseFloat(inside.defaultView.getComputedStyle(inside.querySelector(".ticks")).fontSize),
  };
  document.getElementById("told").textContent = JSON.stringify(told);
});
</script>
"""
