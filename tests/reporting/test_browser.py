"""The page in a real browser: no network, no complaint, on a phone and a screen, light and dark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from canaryctl.reporting.page import Made, page
from canaryctl.reporting.read import report_of
from tests.recorded import ID, roll
from tests.reporting.chrome import Chrome, chrome
from tests.reporting.hostile import NAME, written

WIDTHS = (390, 1440)
SCHEMES = ("light", "dark")
# How bright a colour is, 0 to 1; close enough for telling paper from ink.
BRIGHTNESS = """(() => {
  const [r, g, b] = getComputedStyle(document.%s).%s.match(/\\d+/g).map(Number);
  return (r * 299 + g * 587 + b * 114) / 255000;
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    names = ("chromium", "chromium-browser", "google-chrome")
    binary = next((found for name in names if (found := shutil.which(name))), None)
    if binary is None:
        pytest.skip("no Chromium here")
    with chrome(binary, tmp_path_factory.mktemp("chromium")) as session:
        yield session


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("pages")
    roll(place)
    written(place)
    found = {}
    for name in (ID, NAME):
        found[name] = place / f"{name}.html"
        found[name].write_text(page(report_of(name, place), Made("canaryctl test", 0.0)))
    return found


@pytest.mark.parametrize("name", [ID, NAME], ids=["usual", "hostile"])
def test_it_opens_everywhere(browser: Chrome, pages: dict[str, Path], name: str) -> None:
    browser.ask(
        "Network.emulateNetworkConditions",
        offline=True,
        latency=0,
        downloadThroughput=0,
        uploadThroughput=0,
    )
    for width in WIDTHS:
        for scheme in SCHEMES:
            looked_at(browser, pages[name], width, scheme)


def looked_at(browser: Chrome, file: Path, width: int, scheme: str) -> None:
    browser.ask("Page.navigate", url="about:blank")
    browser.ask(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=844,
        deviceScaleFactor=1,
        mobile=width < 500,
    )
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.ask("Emulation.setEmulatedMedia", features=[feature])
    browser.value("1")  # the blank page is there
    browser.events.clear()
    browser.ask("Page.navigate", url=file.as_uri())
    browser.until("Page.loadEventFired")

    assert browser.value("document.readyState") == "complete"
    assert browser.value("document.querySelectorAll('main').length") == 1
    assert browser.value("document.documentElement.scrollWidth") <= width
    # Nothing is cut off at the side either, which would not scroll.
    wider = "[...document.querySelectorAll('main *')].filter(e => e.getClientRects().length && "
    wider += f"!e.closest('svg') && e.getBoundingClientRect().right > {width} + 1).length"
    assert browser.value(wider) == 0
    seen = "[...document.querySelectorAll('figure svg')].filter(e => e.clientWidth > 200).length"
    assert browser.value(seen) >= 2
    paper = browser.value(BRIGHTNESS % ("documentElement", "backgroundColor"))
    ink = browser.value(BRIGHTNESS % ("body", "color"))
    assert (paper > 0.9 and ink < 0.2) if scheme == "light" else (paper < 0.1 and ink > 0.8)
    assert browser.value("document.title").count("\n") == 0
    complaints = [
        event
        for event in browser.events
        if event["method"]
        in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
    ]
    assert complaints == []
    asked = {
        event["params"]["request"]["url"]
        for event in browser.events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert asked == {file.as_uri()}


def test_a_complaint_would_be_seen(browser: Chrome, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.html"
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    wrong.write_text(
        f"<!DOCTYPE html><html><head>{policy}</head><body><main><p>x</main>"
        "<script>1</script><img src='http://127.0.0.1:9/x.png'></body></html>"
    )
    with pytest.raises(AssertionError):
        looked_at(browser, wrong, 390, "light")
    methods = [event["method"] for event in browser.events]
    assert "Page.loadEventFired" in methods
    assert browser.until("Log.entryAdded")["params"]["entry"]["source"] == "security"
