"""From what the source said to our SKU, location and unit; what master data lacks is said, never guessed."""

from core_sync.ledger.arrivals import Arrival, Lack
from core_sync.ledger.effects import Flag
from core_sync.ledger.events import KIT, QUANTITY_MAX, EventType
from core_sync.master_data.catalogue import Catalogue


def normalise(arrival: Arrival, catalogue: Catalogue) -> None:
    """Fill ``sku``, ``location``, ``to_location`` and ``quantity`` of ``arrival``, or say what it lacks."""
    event = arrival.event
    arrival.lack = None
    sku = _sku_of(arrival, catalogue)
    if sku is None:
        return
    location = catalogue.location_of(event.source, event.location)
    if location is None:
        arrival.lack = _unknown_location(event.source, event.location, sku)
        return
    to_location = catalogue.location_of(event.source, event.to_location) if event.to_location else ""
    if to_location is None:
        arrival.lack = _unknown_location(event.source, event.to_location, sku)
        return
    quantity = event.quantity
    pack = f"{sku} {event.uom}"
    if event.uom and (factor := catalogue.factor(sku, event.uom)) != 1:
        if factor is None:
            arrival.lack = Lack("uom", pack, f"no factor says how many units one {event.uom} of {sku} is", sku)
            return
        exact = event.quantity * factor
        if exact.denominator != 1:
            arrival.lack = Lack(
                "uom",
                f"{sku} {event.uom}",
                f"{event.quantity} {event.uom} of {sku} make {exact} units, which is not whole",
                sku,
            )
            return
        quantity = exact.numerator
        arrival.flags |= Flag.MAPPED
    if sku != event.sku or location != event.location:
        arrival.flags |= Flag.MAPPED
    arrival.sku, arrival.location, arrival.to_location, arrival.quantity = sku, location, to_location, quantity


def _sku_of(arrival: Arrival, catalogue: Catalogue) -> str | None:
    """Our SKU; None where nothing explains the name, and then the arrival says so."""
    event = arrival.event
    if event.attributes and KIT in event.attributes:  # a kit's component is named in our own words
        if not catalogue.knows(event.sku):
            arrival.lack = component_unknown(event.attributes[KIT], event.sku)
        return event.sku if arrival.lack is None else None
    sku = catalogue.sku_of(event.source, event.sku, arrival.occurred_at)
    if sku is None:
        arrival.lack = Lack("sku", event.sku, f"{event.source} names SKU {event.sku}, which no SKU or alias explains")
    return sku


def component_unknown(kit: str, component: str) -> Lack:
    """What an event lacks that names a kit of which one component is no SKU of ours."""
    return Lack("sku", component, f"the kit {kit} is made of {component}, which no SKU explains")


def _unknown_location(system: str, name: str, sku: str) -> Lack:
    return Lack("location", name, f"{system} names location {name}, which no location explains", sku)


def nonsense(arrival: Arrival) -> str | None:
    """Why the event can never apply, whatever the stock and the master data; None when it can."""
    event = arrival.event
    if event.quantity < 0 and event.type is not EventType.ADJUST:
        return f"quantity {event.quantity} is negative, which only adjust may be"
    if abs(arrival.quantity) > QUANTITY_MAX or abs(event.quantity) > QUANTITY_MAX:
        return f"{event.quantity} {event.uom or 'units'} are more than one movement can be ({QUANTITY_MAX:,} units)"
    if event.type is EventType.TRANSFER_OUT and not event.to_location:
        return "transfer_out names no to_location"
    if event.type is EventType.TRANSFER_OUT and arrival.lack is None and arrival.to_location == arrival.location:
        return f"transfer_out goes from {event.location} to itself"
    return None
