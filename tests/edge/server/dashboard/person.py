"""Somebody with a real browser: what they see, click and type."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


class Person:
    """Drives one Chromium, and counts the clicks."""

    def __init__(self, browser: str, driver: str) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for each in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(each)
        self.driver = webdriver.Chrome(options, Service(driver))
        self.clicks = 0

    def begin(self, width: int = 1360, height: int = 900) -> None:
        """Forget every login, and have a window of this size."""
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.resize(width, height)
        self.clicks = 0

    def resize(self, width: int, height: int = 844) -> None:
        """Have a window of this size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def go(self, address: str) -> None:
        self.driver.get(address)

    def turn(self, page: str) -> None:
        """Go to another page of the dashboard."""
        self.script("location.hash = arguments[0]", page)

    def script(self, text: str, *values: Any) -> Any:
        return self.driver.execute_script(text, *values)

    def later(self, text: str, *values: Any) -> Any:
        """What a script answers once its promise is settled."""
        settled = "const done = arguments[arguments.length - 1]; (async () => {" + text + "})().then(done)"
        return self.driver.execute_async_script(settled, *values)

    def text(self, chosen: str = "body") -> str:
        """The text that is seen there."""
        return str(self.script("return document.querySelector(arguments[0])?.innerText ?? ''", chosen))

    def all(self, chosen: str) -> list[str]:
        """The texts of everything that is chosen."""
        found = self.script(
            "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText)", chosen
        )
        return list(found)

    def click(self, chosen: str, text: str = "") -> None:
        """Click the first that is chosen and says this."""
        from selenium.webdriver.common.by import By

        self.wait(lambda: any(text in each for each in self.all(chosen)))
        found = [each for each in self.driver.find_elements(By.CSS_SELECTOR, chosen) if text in each.text]
        found[0].click()
        self.clicks += 1

    def press(self, *keys: str) -> None:
        """Type on whatever has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def wait(self, true: Callable[[], bool], seconds: float = 10.0) -> None:
        """Look until it is so."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"it did not come: {self.text()[:600]}"
            time.sleep(0.02)

    def sees(self, text: str, chosen: str = "body", seconds: float = 10.0) -> None:
        """Wait until this is seen there."""
        self.wait(lambda: text in self.text(chosen), seconds)

    def leave(self) -> None:
        self.driver.quit()
