"""Takes the pictures of the documentation from a running server with the sample hospital: `tools/pictures.py DATA`."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "img"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
OPTIONS = [
    "--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--force-device-scale-factor=1",
]  # fmt: skip
PATIENT = "Sternlicht"
SERIES = "Head 5.0 H30"
MIDDLE = 11


def main() -> int:
    """Study list, then a CT of the head beside its prior."""
    link = subprocess.run(
        [Path(sys.executable).with_name("heliograph"), "user", "link", "--name", "admin", "--data", sys.argv[1]],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB", color_scheme="dark")
        page.goto(link)
        page.get_by_text("Set a password").or_(page.get_by_role("grid")).first.wait_for()
        address = urlsplit(link)
        page.goto(f"{address.scheme}://{address.netloc}/")
        study_list(page)
        viewer(page)
        browser.close()
    return 0


def study_list(page: Page) -> None:
    page.get_by_role("row").nth(10).wait_for()
    page.wait_for_timeout(1500)
    save(page, "studies.png")


def viewer(page: Page) -> None:
    page.get_by_placeholder("Name, ID, accession or exam").fill(PATIENT)
    rows = page.get_by_role("row").filter(has_text=PATIENT).filter(has_not_text="2025-")
    page.wait_for_timeout(2000)
    rows.first.dblclick()
    page.get_by_text("Got it").click(timeout=20_000)
    show(page, 0)
    page.keyboard.press("Shift+P")
    page.get_by_role("button", name="Open beside").last.click()
    page.wait_for_timeout(3000)
    page.keyboard.press("Shift+P")
    show(page, 1)
    save(page, "viewer.png")


def show(page: Page, study: int) -> None:
    """The middle of the series of one of the open studies, in the active pane."""
    page.locator(f"text={SERIES}").nth(study).click()
    page.wait_for_timeout(4000)
    for _ in range(MIDDLE):
        page.keyboard.press("ArrowDown")
    page.wait_for_timeout(3000)


def save(page: Page, name: str) -> None:
    """With a palette: a third of the size, and no difference that a page shows."""
    page.screenshot(path=FOLDER / name)
    with Image.open(FOLDER / name) as picture:
        small = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(FOLDER / name, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
