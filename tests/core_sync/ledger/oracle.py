"""The ledger's rules told a second time, plainly and one event at a time: what the real one is compared with.

Written from the design, not from the code; only the words (``Event``, ``EventType``) are shared. On hand is always what
the last count found plus what moved after it; everything else follows from the table in ``books``.
"""

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction

from msgspec.structs import replace

from core_sync.ledger.events import NOTHING, QUANTITY_MAX, Event, EventType
from tests.core_sync.ledger.books import (
    Change,
    Claim,
    Entry,
    Movement,
    Name,
    Place,
    Stock,
    change_of,
    claim_kind,
    other_claims,
    reference,
)

T = EventType
PIECES = ("", "EA")


@dataclass
class Oracle:
    """Every event's end, by source and id; every place's stock; what was remarkable about each accepted event.

    ``telling_id`` is the id under which a telling is kept that contradicts an earlier one of the same id.
    """

    telling_id: Callable[[Event], str]
    lenient: set[str] = field(default_factory=set)
    unknown_opening: set[str] = field(default_factory=set)
    skus: set[str] = field(default_factory=set)
    locations: set[str] = field(default_factory=set)
    aliases: dict[tuple[str, str], str] = field(default_factory=dict)
    packs: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    stock: dict[Place, Stock] = field(default_factory=lambda: defaultdict(Stock))
    ends: dict[Name, str] = field(default_factory=dict)
    marks: dict[Name, tuple[str, ...]] = field(default_factory=dict)
    tellings: Counter[str] = field(default_factory=Counter)
    taken_back: set[Name] = field(default_factory=set)
    _said: dict[Name, Event] = field(default_factory=dict)
    _said_before: dict[Name, list[Event]] = field(default_factory=lambda: defaultdict(list))
    _contradicts: dict[Name, Event] = field(default_factory=dict)
    _entries: dict[Name, Entry] = field(default_factory=dict)
    _facts: dict[tuple[object, ...], set[Name]] = field(default_factory=lambda: defaultdict(set))
    _equals: set[tuple[object, ...]] = field(default_factory=set)
    _claims: dict[tuple[Place, str], dict[str, Claim]] = field(default_factory=lambda: defaultdict(dict))
    _drawn: dict[Name, list[tuple[Place, str, int]]] = field(default_factory=lambda: defaultdict(list))
    _turns: dict[Name, int] = field(default_factory=dict)
    _lacking: set[Name] = field(default_factory=set)
    _waiting: dict[Place, list[tuple[int, Movement]]] = field(default_factory=lambda: defaultdict(list))

    # what sources say

    def hear(self, event: Event) -> None:
        """One telling of one event, and whatever it frees."""
        name = (event.source, event.event_id)
        before = self._said.get(name)
        if before is not None:
            if event == before or event in self._said_before.get(name, ()):
                self.tellings["duplicate"] += 1
                return
            if name not in self._lacking:
                self._contradict(event)
                return
            self._said_before[name].append(before)
        self._said[name] = event
        self._rule(event)

    def _contradict(self, event: Event) -> None:
        """Another content under a known id is kept beside the first, without effect."""
        self.tellings["conflict"] += 1
        kept = replace(event, event_id=self.telling_id(event))
        name = (kept.source, kept.event_id)
        if name not in self._said:
            self._said[name], self._contradicts[name] = kept, event
            self._hold(name, "conflict")

    def post(self, event: Event) -> bool:
        """Apply what is known to be applied, whoever said so; False when stock does not allow it."""
        movement = self._understand(event)
        return isinstance(movement, Movement) and self._try(movement, ())

    # what people decide

    def retry_lacking(self) -> None:
        """Master data has changed: what lacked some, and what waits where less than zero may be now, has its turn."""
        for name in sorted(self._lacking, key=self._turns.__getitem__):
            self._rule(self._said[name], "released")
        for place, waiting in list(self._waiting.items()):
            if place[1] in self.lenient or any(one.event.source in self.unknown_opening for _, one in waiting):
                self._free(place)

    def apply_after_all(self, name: Name) -> bool:
        """The event is a movement of its own, or what really happened; False when that cannot be."""
        if self.ends[name] == "accepted":
            return False
        if name in self._contradicts:
            return self._put_in_place(name, self._contradicts[name])
        self._withdraw(name)
        self._rule(self._said[name], "decided", "released")
        return True

    def _put_in_place(self, name: Name, told: Event) -> bool:
        """The first telling is taken back and the one that contradicts it applies, or neither."""
        before, first = deepcopy(self.__dict__, {id(NOTHING): NOTHING}), (told.source, told.event_id)
        place = self._entries[first].movement.place if self.ends[first] == "accepted" else None
        had = self.stock[place].on_hand if place else 0, self.stock[place].quality_hold if place else 0
        if place is not None:
            possible = first in self.taken_back or self.take_back(first, in_exchange=True)
        else:
            possible = True
            self._withdraw(first)
            self.ends[first] = "dismissed"
        if possible:
            self._rule(self._said[name], "decided", "released")
            self._said_before[first].append(told)
        if self.ends[name] == "accepted" and (place is None or not self._fell_short(place, *had)):
            if place is not None and first not in before["taken_back"]:
                self._free(place)
            return True
        self.__dict__.update(before)
        return False

    def _fell_short(self, place: Place, on_hand: int, quality_hold: int) -> bool:
        """Whether a strict place has less than nothing, and less than it had."""
        stock = self.stock[place]
        if stock.relative or place[1] in self.lenient:
            return False
        return stock.on_hand < min(0, on_hand) or stock.quality_hold < min(0, quality_hold)

    def dismiss(self, name: Name, *allowed: str) -> bool:
        """The event shall never apply; False when its status is none that may be dismissed."""
        if self.ends[name] not in allowed:
            return False
        self._withdraw(name)
        self.ends[name] = "dismissed"
        if name in self._contradicts:
            told = self._contradicts[name]
            self._said_before[told.source, told.event_id].append(told)
        return True

    def take_back(self, name: Name, in_exchange: bool = False) -> bool:
        """Undo an accepted event; False when it is undone already, was used since, or its goods are gone.

        ``in_exchange`` for another event that comes next: it may bring the goods, and nothing is freed before.
        """
        entry = self._entries[name]
        movement, change, stock = entry.movement, entry.change, self.stock[entry.movement.place]
        if name in self.taken_back or not self._is_still_open(movement, change):
            return False
        moment, is_count = movement.event.occurred_at, movement.event.type is T.COUNT
        story: list[tuple[object, ...]] = stock.counts if is_count else stock.moves  # type: ignore[assignment]  # either
        part = (moment, entry.order, movement.quantity) if is_count else (moment, change.hand)
        if is_count or change.hand:
            story.remove(part)
        undone = Change(stock.as_counted() - stock.on_hand, -change.allocated, -change.hold, -change.transit)
        if not in_exchange and self._is_short(movement.place, undone):
            insort(story, part)
            return False
        self.taken_back.add(name)
        self._change(movement, undone, given_back=True)
        for place, claimed, units in self._drawn.pop(name, []):
            self._claims[place, "order"][claimed].still += units
            self.stock[place].allocated += units
        if not in_exchange:
            self._free(movement.place)
        return True

    def ever_held(self) -> list[Name]:
        """Every event that was held at some time, in the order of that."""
        return list(self._turns)

    def accepted(self) -> list[Name]:
        """Every event that is in the ledger, in the order of that."""
        return list(self._entries)

    # the rules

    def _rule(self, event: Event, *marks: str) -> None:
        """Admit the event, or say why it is held."""
        name = (event.source, event.event_id)
        self._lacking.discard(name)
        movement = self._understand(event)
        if isinstance(movement, str):
            self._hold(name, movement)
            if movement == "parked":
                self._lacking.add(name)
            return
        if (fact := movement.fact) is not None:
            if "decided" not in marks and self._facts.get(fact, set()) - {name}:
                self._hold(name, "suspected_duplicate")
                return
            self._facts[fact].add(name)
        if self._try(movement, marks):
            self._free(movement.place)
            return
        self._hold(name, "parked")
        insort(self._waiting[movement.place], (self._turns[name], movement))

    def _understand(self, event: Event) -> Movement | str:
        """The event in our terms; ``refused`` for nonsense, ``parked`` where master data is lacking."""
        if (event.quantity < 0 and event.type is not T.ADJUST) or abs(event.quantity) > QUANTITY_MAX:
            return "refused"
        if event.type is T.TRANSFER_OUT and not event.to_location:
            return "refused"
        sku = self.aliases.get((event.source, event.sku), event.sku)
        if self.skus and sku not in self.skus:
            return "parked"
        if self.locations and not {event.location, event.to_location or event.location} <= self.locations:
            return "parked"
        quantity, in_packs = event.quantity, event.uom not in PIECES
        if in_packs:
            factor = self.packs.get((sku, event.uom))
            if factor is None or (factor * quantity).denominator != 1:
                return "parked"
            quantity = (factor * quantity).numerator
        if event.type is T.TRANSFER_OUT and event.to_location == event.location:
            return "refused"
        place, there = (sku, event.location, event.lot), (sku, event.to_location, event.lot)
        return Movement(event, place, there, quantity, in_packs or sku != event.sku)

    def _try(self, movement: Movement, marks: tuple[str, ...]) -> bool:
        """Apply the movement unless a state of a strict place would fall below zero."""
        event, stock = movement.event, self.stock[movement.place]
        stock.relative = stock.relative or event.source in self.unknown_opening
        moment, is_count = event.occurred_at, event.type is T.COUNT
        change = effect = self._effect(movement)
        counted = stock.counts[-1][0] if stock.counts else None
        contained = counted is not None and (moment < counted or (moment == counted and not is_count))
        if contained:
            effect = change._replace(hand=0)
        elif is_count:
            effect = Change(movement.quantity + stock.moved_after(moment) - stock.on_hand)
        if self._is_short(movement.place, effect):
            return False
        entry = Entry(movement, change, len(self._entries))
        if is_count:
            insort(stock.counts, (moment, entry.order, movement.quantity))
        elif change.hand:
            insort(stock.moves, (moment, change.hand))
        self._change(movement, effect)
        self._draw_elsewhere(movement, effect)
        self._entries[movement.name] = entry
        self.ends[movement.name] = "accepted"
        self._mark(movement, stock, contained and (is_count or change.hand != 0), marks)
        stock.happened(moment)
        return True

    def _effect(self, movement: Movement) -> Change:
        kind = claim_kind(movement.event.type)
        claim = self._claims[movement.place, kind].get(reference(movement.event)) if kind else None
        return change_of(movement.event.type, movement.quantity, claim.still if claim else 0)

    def _is_short(self, place: Place, change: Change) -> bool:
        stock = self.stock[place]
        if stock.relative or place[1] in self.lenient:
            return False
        return (change.hand < 0 and stock.on_hand + change.hand < 0) or (
            change.hold < 0 and stock.quality_hold + change.hold < 0
        )

    def _change(self, movement: Movement, change: Change, given_back: bool = False) -> None:
        """Change the states, and what is open for the event's reference by as much."""
        event, place, stock = movement.event, movement.place, self.stock[movement.place]
        stock.on_hand += change.hand
        if change.allocated:
            stock.allocated += change.allocated
            self._claim(place, "order", event, change.allocated, given_back)
        if change.hold:
            stock.quality_hold += change.hold
            self._claim(place, "hold", event, change.hold, given_back)
        if change.transit:
            self.stock[movement.arrives].in_transit += change.transit
            self._claim(movement.arrives, "way", event, change.transit, given_back)

    def _draw_elsewhere(self, movement: Movement, effect: Change) -> None:
        """What an order's movement did not find in its own reservation, it draws from others meant for it."""
        event = movement.event
        rest = movement.quantity + (0 if event.type is T.RESERVE else effect.allocated)
        for place, claimed in other_claims(event, movement.place):
            claim = self._claims[place, "order"].get(claimed)
            if claim is None:
                continue
            units = claim.still if event.type is T.ORDER_CANCELLED else min(rest, claim.still)
            rest -= units
            claim.still -= units
            self.stock[place].allocated -= units
            if units:
                self._drawn[movement.name].append((place, claimed, units))
                self.stock[place].happened(event.occurred_at)

    def _claim(self, place: Place, kind: str, event: Event, change: int, given_back: bool) -> None:
        """Add to the reference's claim; draw from it first, and what is left from the oldest of the place."""
        claims, own_name = self._claims[place, kind], reference(event)
        own = claims.get(own_name)
        if change > 0:
            if own is None or (own.still == 0 and not given_back):  # what was used up and is placed again begins anew
                own = claims[own_name] = Claim(0, event.occurred_at)
            own.still += change
            return
        order = [own] if own is not None else []
        if own is None or own.still < -change:
            others = [(claim.since, name) for name, claim in claims.items() if name != own_name]
            order += [claims[name] for _, name in sorted(others)]
        for claim in order:
            drawn = min(-change, claim.still)
            claim.still -= drawn
            change += drawn

    def _is_still_open(self, movement: Movement, change: Change) -> bool:
        """Whether what the movement reserved, sent or held can still be taken from its own reference."""
        for kind, place, added in (
            ("order", movement.place, change.allocated),
            ("hold", movement.place, change.hold),
            ("way", movement.arrives, change.transit),
        ):
            if added > 0:
                claim = self._claims[place, kind].get(reference(movement.event))
                return claim is not None and claim.still >= added
        return True

    def _mark(self, movement: Movement, stock: Stock, contained: bool, marks: tuple[str, ...]) -> None:
        """Keep what is remarkable about an accepted movement."""
        event = movement.event
        if movement.translated:
            marks += ("mapped",)
        if contained:
            marks += ("absorbed",)
        if stock.newest is not None and event.occurred_at < stock.newest:
            marks += ("late",)
        if event.document and not event.line:
            equal = (event.source, event.type, event.document, movement.place, movement.quantity)
            if equal in self._equals:
                self.tellings["repeated"] += 1
                marks += ("repeated",)
            self._equals.add(equal)
        if marks:
            self.marks[movement.name] = tuple(sorted(marks))

    def _free(self, place: Place) -> None:
        """Try what waits for the place again, the oldest first, from the beginning after each that applies."""
        waiting = self._waiting.get(place)
        while waiting:
            for turn, (_, movement) in enumerate(waiting):
                if self._try(movement, ("released",)):
                    del waiting[turn]
                    break
            else:
                return

    def _hold(self, name: Name, status: str) -> None:
        self.ends[name] = status
        self._turns.setdefault(name, len(self._turns))

    def _withdraw(self, name: Name) -> None:
        """The event waits no more: it has no turn at its place and is no business fact."""
        self._lacking.discard(name)
        movement = self._understand(self._said[name])
        if isinstance(movement, Movement):
            waiting = self._waiting.get(movement.place, [])
            waiting[:] = [one for one in waiting if one[1].name != name]
            if movement.fact is not None:
                self._facts[movement.fact].discard(name)
