"""Make ``docs/feed.png`` anew: the worklist of the sample distributor after its first triage, in a real browser.

python -m benchmarks.rig.picture [FILE]
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from api.app import create_app
from api.jobs.sample import fill_with_sample
from api.jobs.triage import triage
from api.wiring import ROOMS, World
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.settings import Settings
from simulation.peers.serve import running

PICTURE = Path(__file__).parents[2] / "docs" / "feed.png"
CHROMIUM = os.environ.get("STOCKTRIAGE_TEST_CHROMIUM", "/usr/bin/chromium")
WIDTH, HEIGHT = 1280, 820


def main() -> None:
    """Fill a throw-away database, triage, and take the picture."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/stock.db")
        upgrade(database, *ROOMS[1:])
        world = World(Settings(database_url=database.url), database)
        fill_with_sample(world)
        triage(world)
        with running(create_app(world)) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            page.goto(address)
            page.screenshot(path=path)
            browser.close()
        database.close()


if __name__ == "__main__":
    main()
