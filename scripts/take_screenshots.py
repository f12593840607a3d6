"""Take the pictures of README and docs from the pages that ``make atlas`` wrote in maps/.

python scripts/take_screenshots.py
"""

from __future__ import annotations

import shutil
from pathlib import Path

import click
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
LAPTOP, PHONE, PROJECTOR = (1366, 768), (390, 844), (1920, 1080)
SHOTS = {
    "coverage": ("coverage.html", "La Réunion", LAPTOP),
    "sizes": ("sizes.html", "La Réunion", LAPTOP),
    "white_zones": ("white_zones.html", "Guyane", LAPTOP),
    "definitions": ("definitions.html", "La Réunion", LAPTOP),
    "plan": ("plan.html", "Guyane", PROJECTOR),
    "coverage_phone": ("coverage.html", "La Réunion", PHONE),
    "index": ("index.html", "", LAPTOP),
}


def take(page: Page, source: Path, territory: str, target: Path) -> None:
    """Open a page, go to one of its territories, and take its picture."""
    page.goto(source.as_uri())
    if territory:
        page.locator("html[data-painted=yes]").wait_for()
        page.get_by_role("button", name=territory).click()
        page.wait_for_timeout(1000)
        page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=target)


@click.command()
@click.option("--maps", type=click.Path(path_type=Path, exists=True), default=ROOT / "maps")
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "docs" / "images")
def main(maps: Path, output: Path) -> None:
    """Write every picture of :data:`SHOTS`."""
    output.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name, (file, territory, (width, height)) in SHOTS.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            take(page, maps / file, territory, output / f"{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
