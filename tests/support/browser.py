"""Headless Chromium, steered over its own pipes: what a page says, asks for and shows."""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS = 60


def find_chromium():
    """The browser's program; None if there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextlib.contextmanager
def chromium(profile):
    """A browser with a profile in an empty folder."""
    from_us, to_us = _pipe(), _pipe()
    # It reads commands from 3 and writes answers to 4.
    script = f'exec "$@" 3<&{from_us[0]} 4>&{to_us[1]}'
    process = subprocess.Popen(
        [
            *("bash", "-c", script, "bash", find_chromium(), "--headless", "--no-sandbox"),
            *("--remote-debugging-pipe", f"--user-data-dir={profile}", "--disable-gpu"),
            *("--no-first-run", "--disable-background-networking", "about:blank"),
        ],
        pass_fds=(from_us[0], to_us[1]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(from_us[0])
    os.close(to_us[1])
    browser = Browser(from_us[1], to_us[0])
    try:
        yield browser
        browser.call("Browser.close")
        process.wait(_SECONDS)
    finally:
        process.kill()
        process.wait()
        os.close(from_us[1])
        os.close(to_us[0])


def _pipe():
    """Both ends under numbers above those that the browser wants."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high


class Browser:
    """The browser's protocol: messages of JSON that end with a null byte."""

    def __init__(self, write, read):
        self._write, self._read = write, read
        self._waiting = b""
        self._number = 0
        self.events = []

    def call(self, method, session=None, **parameters):
        """Sends a command and returns its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def receive(self):
        """The next message; events are kept."""
        deadline = time.monotonic() + _SECONDS
        while b"\0" not in self._waiting:
            ready, _, _ = select.select([self._read], [], [], deadline - time.monotonic())
            assert ready, "Chromium does not answer"
            more = os.read(self._read, 1 << 20)
            assert more, "Chromium has ended"
            self._waiting += more
        message, _, self._waiting = self._waiting.partition(b"\0")
        content = json.loads(message)
        if "method" in content:
            self.events.append(content)
        return content

    def open(self, url, *, width=1280, height=900, dark=False):
        """A page, loaded to its end."""
        return Page(self, url, width, height, dark)


class Page:
    """A page in a tab of its own.

    Attributes:
        session: What the protocol calls the tab.
    """

    def __init__(self, browser, url, width, height, dark):
        self._browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=url)
        while not self.events("Page.loadEventFired"):
            browser.receive()

    def call(self, method, **parameters):
        """A command to this tab."""
        return self._browser.call(method, self.session, **parameters)

    def events(self, *methods):
        """What the tab has reported, as the parameters of its events."""
        return [
            event["params"]
            for event in self._browser.events
            if event["method"] in methods and event.get("sessionId") == self.session
        ]

    @property
    def complaints(self):
        """What stands in the console, and what scripts failed with."""
        self.evaluate("0")
        return self.events("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")

    @property
    def requests(self):
        """The addresses that were asked for."""
        self.evaluate("0")
        return [event["request"]["url"] for event in self.events("Network.requestWillBeSent")]

    def evaluate(self, expression):
        """The value of a JavaScript expression."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def names(self, role):
        """The names by which assistive software knows what has a role."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            node["name"]["value"]
            for node in nodes
            if node.get("role", {}).get("value") == role and not node.get("ignored")
        ]

    def screenshot(self):
        """The whole page as a PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])
