"""Filters and orders of the list that people keep under a name, for themselves or for everybody."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, or_, select
from sqlmodel import col

from core_sync.cases.narrow import Filter
from core_sync.cases.order import Order
from core_sync.cases.tables import SavedView
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.upsert import upsert
from core_sync.errors import NotFound, VerbRefused

NAME_MAX = 80
_EVERYBODY = ""
"""Who owns a shared view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A kept filter and order. ``owner`` is None where it is everybody's."""

    name: str
    owner: str | None
    shown: Filter
    order: Order
    saved_at: datetime


class _Kept(msgspec.Struct):
    shown: Filter
    order: Order


def save_view(connection: Connection, owner: str | None, name: str, shown: Filter, order: Order, at: datetime) -> None:
    """Keep ``shown`` in ``order`` as ``name``, for ``owner`` or (None) for everybody; one of that name is replaced.

    Raises:
        VerbRefused: the name is empty or too long.
    """
    name = name.strip()
    if not 0 < len(name) <= NAME_MAX:
        raise VerbRefused("save", "the view", f"a name has 1 to {NAME_MAX} characters")
    kept = msgspec.json.encode(_Kept(shown, order)).decode()
    row = {"owner": owner or _EVERYBODY, "name": name, "shown": kept, "saved_at": to_microseconds(at)}
    upsert(connection, SavedView, [row], ("owner", "name"))


def read_views(connection: Connection, person: str) -> Sequence[View]:
    """The views of ``person``, then everybody's, by name."""
    mine = or_(col(SavedView.owner) == person, col(SavedView.owner) == _EVERYBODY)
    found = select(col(SavedView.owner), col(SavedView.name), col(SavedView.shown), col(SavedView.saved_at)).where(mine)
    views = [_view(row) for row in connection.execute(found)]
    return sorted(views, key=lambda view: (view.owner is None, view.name))


def find_view(connection: Connection, person: str, name: str) -> View:
    """The view of that name; the person's own goes before everybody's.

    Raises:
        NotFound: neither has one.
    """
    for view in read_views(connection, person):
        if view.name == name:
            return view
    raise NotFound("saved view", name)


def forget_view(connection: Connection, person: str, name: str) -> None:
    """Delete the view that ``find_view`` would find.

    Raises:
        NotFound: there is none.
    """
    view = find_view(connection, person, name)
    gone = delete(SavedView).where(col(SavedView.owner) == (view.owner or _EVERYBODY), col(SavedView.name) == name)
    connection.execute(gone)


def _view(row: Any) -> View:
    kept = msgspec.json.decode(row.shown, type=_Kept)
    return View(
        name=row.name,
        owner=row.owner or None,
        shown=replace(kept.shown, statuses=tuple(kept.shown.statuses)),
        order=kept.order,
        saved_at=from_microseconds(row.saved_at),
    )
