"""Buffer recommendations as doors show them, apply them, and set them beside those in force."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from api.jobs.applied_buffers import apply_recommendations, buffers_before, compare_buffers, held_by_people
from api.jobs.buffers import known_listings, recommend_buffers
from api.shapes import Shape
from api.wiring import World
from core_sync.availability.promises import channel_names
from core_sync.errors import VerbRefused
from core_sync.master_data.known import check_known
from ml.buffers.recommend import Recommendation
from ml.buffers.steering import Step, steps_in_force
from ml.buffers.targets import read_targets
from ml.exposure.terms import as_json
from ml.triage.past_stock import skus_in_order


@dataclass(frozen=True)
class Wanted:
    """Which recommendations: of one SKU, on one channel (None: all), and the ``target`` oversells per unit asked."""

    sku: str | None = None
    channel: str | None = None
    target: float | None = None

    @property
    def named(self) -> list[str] | None:
        """The SKU alone; None: all."""
        return None if self.sku is None else [self.sku]


def recommendation_rows(world: World, wanted: Wanted = Wanted()) -> list[Shape]:
    """A recommendation for each SKU and channel, by name.

    Raises:
        NotFound: there is no such channel or SKU.
        VerbRefused: a target that is no rate, or a SKU without known stock.
    """
    with world.database.reading() as connection:
        return [_shape(one) for one in _found(world, connection, wanted)]


@dataclass(frozen=True)
class Page:
    """Some recommendations, and the SKU and channel of the first one that is left; None where none is."""

    rows: list[Shape]
    following: tuple[str, str] | None


def recommendation_page(world: World, wanted: Wanted, first: tuple[str, str] = ("", ""), most: int = 100) -> Page:
    """At most so many recommendations by name, from SKU and channel ``first`` on; of no other SKU anything is read.

    Raises:
        NotFound: there is no such channel or SKU.
        VerbRefused: a target that is no rate, or a SKU without known stock.
    """
    with world.database.reading() as connection:
        channels = channel_names(connection) if wanted.channel is None else (wanted.channel,)
        if wanted.sku is not None:
            skus = [wanted.sku]
        else:
            skus = skus_in_order(connection, first[0], most // max(len(channels), 1) + 2)
        found = _found(world, connection, wanted, skus)
    left = [one for one in found if (one.sku, one.channel) >= first]
    following = (left[most].sku, left[most].channel) if len(left) > most else None
    return Page([_shape(one) for one in left[:most]], following)


def apply_rows(
    world: World, wanted: Wanted, owner: str, *, approved: bool = False, dry_run: bool = False
) -> list[Shape]:
    """Put recommendations in force in ``owner``'s name; what became of each.

    Raises:
        NotFound: there is no such channel or SKU.
        VerbRefused: a target that is no rate, a SKU without known stock, or approval of everything at once.
    """
    if approved and wanted.sku is None:
        raise VerbRefused("approve", "every buffer at once", "name the SKU whose change you looked at")
    with world.database.reading() if dry_run else world.database.transaction() as connection:
        found = _found(world, connection, wanted)
        done = apply_recommendations(connection, found, owner, world.clock, approved=approved, dry_run=dry_run)
        return [asdict(one) for one in done]


def compare_rows(world: World, wanted: Wanted) -> list[Shape]:
    """The buffer in force, the one before and the one recommended, each with what it is expected to do.

    Raises:
        NotFound: there is no such channel or SKU.
        VerbRefused: a target that is no rate, or a SKU without known stock.
    """
    at = world.clock()
    with world.database.reading() as connection:
        found = _found(world, connection, wanted)
        estimates = world.estimates.of(connection, channel_names(connection), at)
        listings = known_listings(connection, estimates, world.settings.reporting_currency, at, wanted.named)
        return [asdict(one) for one in compare_buffers(listings, found, buffers_before(connection, at))]


def target_rows(world: World) -> list[Shape]:
    """Every accepted oversell rate, and of each controlled channel what came true and what an oversell counts now.

    Where buffers are kept, also how many of the channel, or of those without a rate of their own, are left to people.
    """
    with world.database.reading() as connection:
        targets, steps = read_targets(connection), steps_in_force(connection)
        held = Counter(targets.place(channel) for channel, _ in held_by_people(connection, world.clock()))
    set_by_people = [
        {**asdict(one), "left_to_people": held[one.channel] if one.kept else None} for one in targets.by_place.values()
    ]
    known = {one["channel"] for one in set_by_people if not one["sku"]}
    bare = {"sku": "", "kept": False, "left_to_people": None, "owner": None, "reason": None, "set_at": None}
    rest = [{"channel": name, "oversell_rate": targets.rate(name), **bare} for name in sorted(steps.keys() - known)]
    return [{**one, **_came_true(None if one["sku"] else steps.get(one["channel"]))} for one in set_by_people + rest]


def step_row(step: Step) -> Shape:
    """One step of control as it is shown."""
    return {"channel": step.channel, **_came_true(step), "target": step.target}


def _came_true(step: Step | None) -> Shape:
    if step is None:
        return dict.fromkeys(("since", "until", "asked", "oversold", "weight"))
    return {
        "since": step.since, "until": step.at, "asked": step.claimed.asked, "oversold": step.claimed.oversold,
        "weight": step.weight,
    }  # fmt: skip


def _found(
    world: World, connection: Connection, wanted: Wanted, skus: Sequence[str] | None = None
) -> Sequence[Recommendation]:
    """Those ``wanted``, where given only of ``skus``."""
    if wanted.target is not None and not 0 < wanted.target < 1:
        raise VerbRefused("recommend", "buffers", f"a target oversell rate of {wanted.target} is not between 0 and 1")
    channels = channel_names(connection)
    found = recommend_buffers(
        connection, world.estimates, world.settings.reporting_currency, world.clock(),
        wanted.named if skus is None else skus, wanted.channel,
        world.buffer_policy, wanted.target,
    )  # fmt: skip
    if wanted.sku is not None and not found:
        check_known(connection, [wanted.sku])
        told = "its stock is not known: count it, or load a snapshot" if channels else "there is no channel: load them"
        raise VerbRefused("recommend", f"a buffer for {wanted.sku}", told)
    return found


def _shape(one: Recommendation) -> Shape:
    return {**{name: getattr(one, name) for name in one.__dataclass_fields__}, "terms": as_json(one.terms)}
