"""The page of accepted oversell rates: see and set them, and what came true on each channel since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.console.pages import by_cookie
from api.console.view import page
from api.dependencies import Actor, TheWorld
from api.recommendations import target_rows
from api.wiring import World
from core_sync.availability.promises import channel_names
from core_sync.errors import StocktriageError, VerbRefused
from ml.buffers.rails import POLICY
from ml.buffers.steering import Step, past_steps
from ml.buffers.targets import set_target

router = APIRouter(include_in_schema=False)

SHOWN = 12
"""Steps of a channel that are told one by one; the chart has all."""
WIDTH, HEIGHT, EDGE = 520, 120, 8


@router.get("/buffers/targets")
def targets_page(request: Request, world: TheWorld, actor: Actor) -> Response:
    """What is accepted, and of each channel what came true."""
    return _page(request, world, actor, {}, "")


@router.post("/buffers/targets")
async def accept(request: Request, world: TheWorld, actor: Actor) -> Response:
    """Accept a rate; then the page again."""
    from fastapi.concurrency import run_in_threadpool

    form = await request.form()
    return await run_in_threadpool(_accept, {name: str(form[name]) for name in form}, request, world, actor)


def _accept(said: Mapping[str, str], request: Request, world: World, actor: str) -> Response:
    try:
        rate = _rate(said.get("percent", ""))
        with world.database.transaction() as connection:
            set_target(
                connection, rate, actor, said.get("reason", ""), world.clock(), said.get("channel", ""),
                said.get("sku", "").strip(), kept=said.get("keep") == "yes",
            )  # fmt: skip
    except StocktriageError as refusal:
        return _page(request, world, actor, said, str(refusal), 409)
    return RedirectResponse("/buffers/targets", 303)


def _rate(percent: str) -> float:
    try:
        said = float(percent.strip().removesuffix("%"))
    except ValueError:
        raise VerbRefused("set", "a target", f"{percent!r} is no percentage: say for instance 0.5") from None
    if not 0 < said < 100:
        raise VerbRefused("set", "a target", f"{said:g} % is not between 0 and 100 %: say for instance 0.5")
    return said / 100


@dataclass(frozen=True)
class Chart:
    """What came true at each step and what was accepted then, as corners of lines; 0 to ``most`` upwards."""

    realised: str
    accepted: str
    most: float
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Course:
    """How control went on a channel: its newest steps first, and all of them drawn where there are two or more."""

    channel: str
    steps: Sequence[Step]
    chart: Chart | None


def course_of(channel: str, steps: Sequence[Step]) -> Course:
    """The course of ``channel`` from its ``steps``, the first one first; those before which nothing was asked are none.

    The first step of a channel looks at nothing and is left out.
    """
    seen = [(one, one.claimed.rate, one.target) for one in steps if one.claimed.rate is not None]
    chart = None
    if len(seen) > 1:
        most = max(max(rate or 0.0, target) for _, rate, target in seen)
        step = (WIDTH - 2 * EDGE) / (len(seen) - 1)

        def line(rates: Sequence[float]) -> str:
            return " ".join(
                f"{EDGE + step * number:.1f},{HEIGHT - EDGE - rate / most * (HEIGHT - 2 * EDGE):.1f}"
                for number, rate in enumerate(rates)
            )

        chart = Chart(line([rate or 0.0 for _, rate, _ in seen]), line([target for *_, target in seen]), most)
    return Course(channel, [one for one, *_ in reversed(seen)][:SHOWN], chart)


def _page(
    request: Request, world: World, actor: str, said: Mapping[str, str], refusal: str, status: int = 200
) -> Response:
    with world.database.reading() as connection:
        channels = channel_names(connection)
        courses = [course_of(name, past_steps(connection, name)) for name in channels]
    told = {
        "at": world.clock(), "actor": actor, "logged_in": by_cookie(request), "channels": channels, "said": said,
        "targets": target_rows(world), "courses": courses, "refusal": refusal, "usual": POLICY.target_oversell_rate,
    }  # fmt: skip
    return page("buffer_targets.html", told, status)
