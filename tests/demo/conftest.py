"""A browser, if there is one."""

import shutil

import pytest

from benchmarks.browser import chromium
from tests.conftest import PATIENCE


@pytest.fixture(scope="session")
def browser():
    pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        pytest.skip("no chromium and chromedriver here")
    found = chromium(**{"goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"}})
    found.set_script_timeout(PATIENCE)
    yield found
    found.quit()


@pytest.fixture
def page(browser):
    """What tests do with the page."""
    from tests.demo.driver import Page

    return Page(browser)
