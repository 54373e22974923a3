"""How soon a planner has the page of buffers of the sample distributor, and the answer to another setting.

    python -m benchmarks.buffers_page [--requests N] [--json]

The service fills its database with the sample and does the rounds of ``steer`` and ``replay`` once, as it does when it
starts; then every channel's page is asked for in process, in turn, by the clock and by the processor time of the whole
process. Another setting is the same page with other units, another share and another penalty. Beside it what has to be
worked out where nothing is kept: the recommendations of the whole channel and the replay of its weeks.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from fastapi.testclient import TestClient

from api.app import create_app
from api.jobs.kept_replay import play
from api.jobs.rounds import ROLES
from api.jobs.sample import fill_with_sample
from api.recommendations import Wanted, recommendation_rows
from api.wiring import World, build_world
from benchmarks.rig.figures import Figure, show
from core_sync.availability.promises import channel_names
from core_sync.settings import read_settings

ASKED_PAGE_S, ASKED_SETTING_S = 1.0, 0.2
CLOCKS = {"by the clock": perf_counter, "processor time": process_time}


def pages(folder: Path, requests: int) -> Iterator[Figure]:
    """Every figure."""
    world = build_world(read_settings(home=folder, database_url=f"sqlite:///{folder / 'stock.db'}"))
    try:
        fill_with_sample(world)
        with world.database.reading() as connection:
            channels = channel_names(connection)
        anew = max(_took(partial(_anew, world, name), process_time) for name in channels)
        for role in ("steer", "replay"):
            ROLES[role].round(world)
        with TestClient(create_app(world), base_url="http://127.0.0.1:8765") as client:
            for what, query, asked in (
                ("page", "", ASKED_PAGE_S),
                ("another setting", "&buffer={}&share=50&penalty=20", ASKED_SETTING_S),
            ):
                places = [
                    f"/buffers?channel={channel}{query.format(n % 20)}"
                    for n, channel in zip(range(requests), cycle(channels), strict=False)
                ]
                for name, clock in CLOCKS.items():
                    took = [_took(partial(client.get, place), clock) for place in places]
                    slowest = float(np.quantile(took, 0.99))
                    yield Figure(f"{what}, {name}, p99", slowest, "s", "asked", asked, slowest / asked)
            middle = float(np.median(took))
            yield Figure(f"{what}, {name}, median", middle, "s", "everything worked out anew", anew, middle / anew)
    finally:
        world.close()


def _anew(world: World, channel: str) -> None:
    """What the page shows, with nothing kept."""
    world.__dict__.pop("estimates", None)
    recommendation_rows(world, Wanted(channel=channel))
    with world.database.reading() as connection:
        play(connection, channel, world.clock())


def _took(work: Callable[[], object], clock: Callable[[], float]) -> float:
    begun = clock()
    work()
    return clock() - begun


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--json", action="store_true", help="one object a line")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        show(pages(Path(folder), said.requests), said.json)


if __name__ == "__main__":
    main()
