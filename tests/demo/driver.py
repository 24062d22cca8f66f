"""The page as a person uses it, by Selenium."""

import base64
import io
import json
import os
from pathlib import Path

import numpy as np
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.conftest import PATIENCE

FETCH = """
const done = arguments[arguments.length - 1];
fetch(arguments[0]).then(r => r.blob()).then(blob => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.split(",")[1]);
  reader.readAsDataURL(blob);
});
"""
SET = """
const slider = document.getElementById(arguments[0]);
slider.value = arguments[1];
slider.dispatchEvent(new Event("input"));
"""
MIDDLE = """
const box = document.getElementById(arguments[0]).getBoundingClientRect();
return [box.x + box.width / 2, box.y + box.height / 2];
"""


class Page:
    """A window on the page."""

    def __init__(self, browser):
        self.browser = browser

    def open(self, address, width=1200, height=900, dark=False):
        phone = width < 500
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.browser.get(address)
        self.wait(lambda: self.script("return document.body?.dataset.ready"))

    def find(self, name):
        return self.browser.find_element(By.ID, name)

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def wait(self, condition, seconds=PATIENCE):
        return WebDriverWait(self.browser, seconds, poll_frequency=0.05).until(lambda _: condition())

    def choose(self, *paths):
        self.find("file").send_keys("\n".join(map(str, paths)))
        self.wait(lambda: self.find("go").is_enabled())

    def set_factors(self, horizontal, vertical):
        """By the sliders, which know multiples of 0.05."""
        if self.find("tied").is_selected() and horizontal != vertical:
            self.find("tied").click()
        for name, value in (("h", horizontal), ("v", vertical)):
            self.script(SET, name, value)

    def enlarge(self, seconds=PATIENCE):
        self.script("delete document.body.dataset.done")
        self.find("go").click()
        self.wait(lambda: self.script("return document.body.dataset.done") or self.find("error").text, seconds)
        assert not self.find("error").text, self.find("error").text

    def choose_model(self, name):
        self.script("model.value = arguments[0]; model.dispatchEvent(new Event('change'))", name)

    def fetched(self, address):
        """The bytes behind an address, such as a result's."""
        return base64.b64decode(self.browser.execute_async_script(FETCH, address))

    def pixels(self, name="after"):
        """A result as an array."""
        return np.asarray(Image.open(io.BytesIO(self.fetched(self.find(name).get_attribute("src")))))

    def waited(self, code):
        """What the body of an asynchronous function returns."""
        return self.browser.execute_async_script(f"(async () => {{ {code} }})().then(arguments[arguments.length - 1])")

    def violations(self):
        """What axe-core finds wrong, in words; its script must have run."""
        code = "return (await axe.run()).violations.map(one => `${one.id}: ${one.nodes.map(node => node.target)}`);"
        return self.waited(code)

    def touch(self, kind, *points):
        """A touch event at some points of the window."""
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    def middle(self, name):
        """Of an element, in the window."""
        return self.script(MIDDLE, name)

    def requests(self):
        """Addresses asked for since the last question."""
        events = (json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance"))
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        """What the browser's console says went wrong, a violated policy too."""
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]

    def screenshot(self, name, folder):
        """Kept where ARBSR_SCREENSHOTS says."""
        place = Path(os.environ.get("ARBSR_SCREENSHOTS", folder))
        self.browser.save_screenshot(str(place / f"page-{name}.png"))
