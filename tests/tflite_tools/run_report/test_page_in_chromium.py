"""The page in a real browser: `.ci/run` fails if these tests are skipped."""

import json
import re
from dataclasses import replace

import pytest
from support.browser import chromium, find_chromium
from support.stored_phone import PHONE

from tflite_tools import report_runs

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="needs Chromium (Debian's package chromium), which is not here"
)
NAME = """<script>document.title = "pwned"</script><img onerror=alert(1)> "'& é模型 int8.tflite"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def write(run_dir, tmp_path):
    """Function that writes the page, and returns its address."""

    def run():
        report_runs(run_dir, tmp_path / "out", formats=["html"])
        return (tmp_path / "out/report.html").as_uri()

    return run


@pytest.fixture
def page(mixed, write, browser):
    return browser.open(write())


@pytest.fixture
def hostile(keep, planned, evaluate, models, write, browser):
    file = models["int8"].rename(models["int8"].with_name(NAME.replace("/", "")))
    evaluate({file: 0.5}, source="</style></script><script>alert(2)</script>")
    runs = [(planned(file, delegate), "ok", 900) for delegate in ("cpu", "nnapi:<b>\"'x", "gpu")]
    keep(runs, device=replace(PHONE, model="<svg onload=alert(3)>", serial="</title>'\""))
    return browser.open(write())


def column(page, section, heading):
    """The texts of a column from top to bottom."""
    return page.evaluate(
        f"""(() => {{
        const table = document.querySelector("#{section} table");
        const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
        const place = names.indexOf("{heading}");
        return [...table.tBodies[0].rows].map((row) => row.cells[place].textContent);
        }})()"""
    )


def click(page, section, heading):
    return page.evaluate(
        f"""(() => {{
        const heads = [...document.querySelectorAll("#{section} thead th")];
        const head = heads.find((one) => one.textContent === "{heading}");
        head.querySelector("button").click();
        return heads.map((one) => one.getAttribute("aria-sort")).filter(Boolean);
        }})()"""
    )


def test_it_loads_without_a_complaint_and_asks_for_nothing(page):
    assert page.complaints == []
    (address,) = (url for url in page.requests if not url.startswith("data:"))
    assert address.endswith("report.html")


def test_complaints_and_requests_would_be_seen(browser, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<img src='http://127.0.0.1:9/x.png'><script>console.error(1); nothing()</script>"
    )
    page = browser.open(bad.as_uri())
    assert "http://127.0.0.1:9/x.png" in page.requests
    assert len(page.complaints) >= 2


def test_the_page_itself_forbids_requests_and_scripts(page):
    sent = "fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')"
    assert page.evaluate(sent) == "refused"
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        " {textContent: 'window.pwned = 1'}))"
    )
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert any("Content Security Policy" in json.dumps(entry) for entry in page.complaints)
    assert not any("127.0.0.1:9" in url for url in page.requests)


def test_numbers_sort_as_numbers_and_what_is_missing_stands_last(
    keep, planned, models, write, browser
):
    latencies = [1_500, 10_000, 1_250]
    file = models["int8"]
    runs = [(planned(file, threads=n + 1), "ok", us) for n, us in enumerate(latencies)]
    keep([*runs, (planned(file, "gpu"), "refused", 0)])
    page = browser.open(write())
    assert column(page, "latency", "ms") == ["1.50", "10.00", "1.25", "–"]
    assert click(page, "latency", "ms") == ["ascending"]
    assert column(page, "latency", "ms") == ["1.25", "1.50", "10.00", "–"]
    assert click(page, "latency", "ms") == ["descending"]
    assert column(page, "latency", "ms") == ["10.00", "1.50", "1.25", "–"]
    assert click(page, "latency", "ms") == ["ascending"]


def test_text_sorts_as_text_and_one_column_at_a_time(page):
    click(page, "latency", "ms")
    assert click(page, "latency", "delegate") == ["ascending"]
    delegates = column(page, "latency", "delegate")
    assert delegates == sorted(delegates)
    click(page, "latency", "delegate")
    assert column(page, "latency", "delegate") == sorted(delegates, reverse=True)
    assert column(page, "files", "file") == ["net_float32.tflite", "net_int8.tflite"]


def test_assistive_software_finds_buttons_images_and_tables(page):
    assert {"file", "ms", "top-1"} <= set(page.names("button"))
    images = page.names("image")
    assert any(
        name.startswith("Latency on samsung SM-G970U.")
        and "net_int8.tflite with nnapi → cpu: 0.95 ms, fell back to the CPU" in name
        for name in images
    )
    assert any(
        name.startswith("Accuracy against latency")
        and "net_float32.tflite with gpu: 1.50 ms, 90.00%" in name
        for name in images
    )


def test_headings_are_reached_and_sorted_by_keyboard(page):
    page.evaluate("document.querySelector('#latency th button').focus()")
    for kind in ("keyDown", "keyUp"):
        page.call(
            "Input.dispatchKeyEvent",
            type=kind,
            key="Enter",
            code="Enter",
            text="\r",
            windowsVirtualKeyCode=13,
        )
    sort = "document.querySelector('#latency th').getAttribute('aria-sort')"
    assert page.evaluate(sort) == "ascending"


def test_names_are_text_whatever_they_hold(hostile):
    assert hostile.complaints == []
    assert hostile.evaluate("document.title") == "Benchmark report"
    assert hostile.evaluate("document.querySelectorAll('main img, main script, td b').length") == 0
    assert NAME.replace("/", "") in column(hostile, "files", "file")
    assert "</style></script><script>alert(2)</script>" in column(hostile, "files", "evaluated on")
    assert "nnapi:<b>\"'x" in column(hostile, "latency", "delegate")


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_in_light_and_dark(mixed, write, browser, dark):
    """By the contrast of WCAG 2, level AA: 4.5 to 1."""
    page = browser.open(write(), dark=dark)
    colours = page.evaluate(
        """["body", ".note", "nav a", ".mark.bad", ".mark.warn", "thead th button"].map((name) => {
        let ground = document.querySelector(name);
        const ink = getComputedStyle(ground).color;
        while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)")
          ground = ground.parentElement;
        return [name, ink, getComputedStyle(ground).backgroundColor];
        })"""
    )
    for name, ink, ground in colours:
        assert contrast(ink, ground) >= 4.5, name
    body = next(ground for name, _, ground in colours if name == "body")
    assert (luminance(body) < 0.1) == dark


def luminance(colour):
    channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_on_a_phone_nothing_is_wider_than_the_screen(mixed, write, browser):
    page = browser.open(write(), width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    outside = page.evaluate(
        """[...document.querySelectorAll("svg text")].filter((text) => {
        const box = text.getBoundingClientRect();
        return box.left < 0 || box.right > innerWidth;
        }).map((text) => text.textContent)"""
    )
    assert outside == []
    sizes = page.evaluate(
        """[...document.querySelectorAll("svg text")].map(
        (text) => parseFloat(getComputedStyle(text).fontSize))"""
    )
    assert min(sizes) >= 11


def test_bars_are_as_long_as_their_figures(page):
    bars = page.evaluate(
        """[...document.querySelectorAll("#bars .bar")].map((bar) => [
        parseFloat(bar.querySelector("title").textContent.match(/: ([0-9.]+) ms/)[1]),
        bar.querySelector("rect").getBoundingClientRect().width])"""
    )
    assert len(bars) == 6
    scale = bars[0][1] / bars[0][0]
    for value, width in bars:
        assert width == pytest.approx(scale * value, rel=0.01, abs=1)
    spread = page.evaluate(
        """(() => {
        const [line] = document.querySelectorAll("#bars .bar line");
        const bar = line.parentElement.querySelector("rect").getBoundingClientRect();
        const box = line.getBoundingClientRect();
        return [box.left - bar.left, box.right - bar.left];
        })()"""
    )
    assert spread == pytest.approx([scale * 3.0, scale * 3.2], rel=0.01, abs=1.5)


def test_it_can_be_looked_at(page):
    content = page.screenshot()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 30_000
