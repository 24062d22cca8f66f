"""The static page: its weight, and the time from its load to the first result, in headless Chromium.

    python -m benchmarks.page [--runtime onnxruntime-web.tgz] [--rounds 3] [--record]

A picture of 256x256 is enlarged by 2, and one of 1000x750 by 4, which makes 12 Mpx. Every round has a browser of its
own, so that nothing is in its cache; the folder is served from this machine with the headers that allow threads, and
without them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from arbsr_jax.demo.static import write_page
from benchmarks.browser import chromium, served
from benchmarks.large_images import photograph
from benchmarks.record import machine, record

SECONDS, POLL = 300, 0.05
SMALL, LARGE = (256, 256, 2), (750, 1000, 4)  # height, width, factor
CASES = [
    ("arbedsr-field-tiny", SMALL),
    ("arbedsr-field", SMALL),
    ("arbedsr-field-tiny", LARGE),
    ("arbedsr-tiny", LARGE),
]
ISOLATION = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}


def first_result(address: str, picture: Path, factor: int) -> tuple[float, float]:
    """Seconds until the page is ready, and from then on, with the picture chosen, until its result is shown."""
    browser = chromium()
    try:
        wait = WebDriverWait(browser, SECONDS, poll_frequency=POLL)
        begin = time.perf_counter()
        browser.get(address)
        wait.until(lambda _: browser.execute_script("return document.body?.dataset.ready"))
        ready = time.perf_counter()
        browser.find_element(By.ID, "file").send_keys(str(picture))
        wait.until(lambda _: browser.find_element(By.ID, "go").is_enabled())
        browser.execute_script(f"document.querySelector('[data-factor=\"{factor}\"]').click()")
        browser.find_element(By.ID, "go").click()
        wait.until(lambda _: browser.execute_script("return document.body.dataset.done"))
        return ready - begin, time.perf_counter() - ready
    finally:
        browser.quit()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runtime", type=Path, help="the npm package, if the registry is not to be asked")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, picture = Path(place) / "page", Path(place) / "picture.png"
        for model, (height, width, factor) in CASES:
            Image.fromarray(photograph(height, width)).save(picture)
            weights = write_page(folder, [model], flags.runtime)
            sizes = {"page_mb": weights.page / 1e6, "runtime_mb": weights.runtime / 1e6}
            sizes |= {"webgpu_mb": weights.webgpu / 1e6, "model_mb": weights.models / 1e6}
            for headers, threads in ((ISOLATION, "several"), ({}, "one")):
                with served(folder, headers) as address:
                    rounds = 1 if (height, width, factor) == LARGE else flags.rounds
                    times = [first_result(address, picture, factor) for _ in range(rounds)]
                ready, result = (statistics.median(seconds) for seconds in zip(*times, strict=True))
                size = {"picture": f"{width}x{height}", "factor": str(factor)}
                row = {"model": model, **size, "threads": threads, **sizes, "ready_s": ready, "result_s": result}
                print(" ".join(f"{v:.2f}" if isinstance(v, float) else v for v in row.values()), flush=True)
                if flags.record:
                    record("page", [row | {"machine": machine()}], ("model", "picture", "factor", "threads", "machine"))


if __name__ == "__main__":
    main()
