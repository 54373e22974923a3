"""Rows as they were written at each revision of the tables, word for word: what an upgrade must carry over.

Never written through today's code, and never changed when the code changes: a database in the field would not be.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Rows = list[tuple[str, dict[str, Any]]]
"""Table and columns of one row, in the order in which the rows were written."""

HOUR = 3_600_000_000
EIGHT = 1772438400000000
"""2026-03-02 08:00 UTC in microseconds."""
RECORDED = EIGHT + 9 * HOUR

_ENTRY = {
    "recorded_at": RECORDED, "on_hand_delta": 0, "allocated_delta": 0, "quality_hold_delta": 0, "in_transit_delta": 0,
    "flags": 0, "actor": "feed", "map_version": 0, "source_id": 1, "position_id": 3,
}  # fmt: skip


def _entry(event_id: str, kind: str, hour: int, quantity: int, content: str, **told: Any) -> tuple[str, dict[str, Any]]:
    named = {"event_id": event_id, "type": kind, "occurred_at": EIGHT + hour * HOUR, "quantity": quantity}
    return "ledger_entry", {**_ENTRY, **named, "content": bytes.fromhex(content), **told}


def _position(sku: str, location: str, lot: str, states: tuple[int, int, int, int], **told: Any) -> tuple[str, Any]:
    names = ("on_hand", "allocated", "quality_hold", "in_transit")
    figures = dict(zip(names, states, strict=True))
    return "position", {"sku": sku, "location": location, "lot": lot, **figures, "relative": False, **told}


def _held(event_id: str, status: str, reason: str, message: str, content: str, **told: Any) -> tuple[str, Any]:
    row = {
        "source_id": 1, "event_id": event_id, "status": status, "reason": reason, "message": message, "position_id": 3,
        "content": bytes.fromhex(content), "occurred_at": EIGHT + 7 * HOUR, "recorded_at": RECORDED, "file": "message",
    }  # fmt: skip
    return "held_event", {**row, **told}


def _payload(event_id: str, kind: str, at: int, quantity: int, sku: str = "MUG", **told: Any) -> str:
    event = {
        "event_id": event_id, "source": "wms", "type": kind, "occurred_at": at, "sku": sku, "location": "LEEDS",
        "quantity": quantity, "uom": "", "lot": "", "document": "", "line": "", "channel": "", "account": "",
        "reservation_id": "", "to_location": "", "expires_at": None, "unit_price": None, "reason": "",
        "attributes": {},
    }  # fmt: skip
    return json.dumps({**event, **told})


FIRST: Rows = [
    ("source", {"name": "wms", "opening": "zero", "winner": "wms", "tolerance": 0}),
    ("source", {"name": "legacy", "opening": "unknown", "winner": "legacy", "tolerance": 2}),
    ("source", {"name": "stocktriage", "opening": "zero", "winner": "", "tolerance": 0}),
    _position("CUP", "LEEDS", "L-1", (7, 0, 0, 0), last_event_at=EIGHT + HOUR, last_recorded_at=RECORDED),
    _position("MUG", "BATH", "", (0, 0, 0, 2), last_recorded_at=RECORDED),
    _position("MUG", "LEEDS", "", (7, 1, 1, 0), last_event_at=EIGHT + 8 * HOUR, last_recorded_at=RECORDED + HOUR,
              last_count_at=EIGHT + 5 * HOUR),
    _position("PLATE", "LEEDS", "", (3, 0, 0, 0), last_event_at=EIGHT + 8 * HOUR, last_recorded_at=RECORDED),
    _position("TRAY", "LEEDS", "", (-5, 0, 0, 0), relative=True, last_event_at=EIGHT, last_recorded_at=RECORDED),
    _entry("e1", "receipt", 0, 10, "8aa6bc8292bfb2ec0f82f43f5d2a10df", on_hand_delta=10, document="PO-1", line="1",
           unit_price=45000),
    _entry("e2", "reserve", 1, 4, "3171f99a9a49ca634c59c58f1efad63c", allocated_delta=4, document="SO-1",
           channel="shop", account="ACME"),
    _entry("e3", "ship", 2, 3, "975e602dcf9134574e5cb5552df14730", on_hand_delta=-3, allocated_delta=-3,
           document="SO-1", channel="shop"),
    _entry("e4", "transfer_out", 3, 2, "573de6cdfb4c5d80da8542a89ae04de8", on_hand_delta=-2, in_transit_delta=2,
           to_position_id=2, document="TO-1"),
    _entry("e5", "count", 5, 6, "e664c54637eb8017d3dc20fb1c228a0c", on_hand_delta=1),
    _entry("e6", "receipt", 4, 1, "0dc3eadcf4cb065be3eecd0f68f702d1", document="PO-2", line="1", reason="late",
           attributes='{"shift":"night"}', flags=5),
    _entry("e7", "return_received", 6, 1, "64a771a2f445ed3003d654db242179d7", on_hand_delta=1, quality_hold_delta=1,
           document="RMA-1"),
    _entry("e11", "ship", 0, 5, "f0bec7148b233945fea2565553187f1a", on_hand_delta=-5, source_id=2, position_id=5),
    _entry("e12", "receipt", 1, 7, "2de803dd0a6a7b816a2be356e5d53ed2", on_hand_delta=7, position_id=1),
    _entry("e13", "adjust", 8, -1, "81f39436e45ac80f0e07eda381648368", on_hand_delta=-1),
    _entry("e14", "receipt", 8, 3, "3ecda8aab1d5beba4207ae89162f62eb", on_hand_delta=3, position_id=4),
    _entry("reversal:wms:e13", "adjust", 8, -1, "2e404279cdaefb19ff18a5579ebf790a", on_hand_delta=1, source_id=3,
           recorded_at=RECORDED + HOUR, flags=80, actor="ops", reason="takes back e13 of wms"),
    ("open_item", {"position_id": 2, "kind": "transit", "reference": "TO-1", "placed_quantity": 2, "open_quantity": 2,
                   "placed_at": EIGHT + 3 * HOUR, "document": "TO-1"}),
    ("open_item", {"position_id": 3, "kind": "reservation", "reference": "SO-1", "placed_quantity": 4,
                   "open_quantity": 1, "placed_at": EIGHT + HOUR, "expires_at": EIGHT + 169 * HOUR, "document": "SO-1",
                   "channel": "shop", "account": "ACME"}),
    ("open_item", {"position_id": 3, "kind": "hold", "reference": "RMA-1", "placed_quantity": 1, "open_quantity": 1,
                   "placed_at": EIGHT + 6 * HOUR, "document": "RMA-1"}),
    _held("e8", "suspected_duplicate", "business_key", "receipt PO-1 line 1 is known as event e1",
          "5431aeb4feb94b7efa9fc051da4e49b8", duplicate_of="e1", row=8,
          payload=_payload("e8", "receipt", EIGHT + 7 * HOUR, 10, document="PO-1", line="1")),
    _held("e9", "parked", "negative_on_hand", "ship asks 50 of on_hand where 7 are",
          "d48546cafe653424f508444836b0a65a", state="on_hand", quantity_asked=50, quantity_there=7, row=9,
          payload=_payload("e9", "ship", EIGHT + 7 * HOUR, 50, document="SO-9")),
    _held("e10", "refused", "nonsense", "transfer_out goes from LEEDS to itself", "20f94be0593afce51ad106be598fd9f3",
          row=10, payload=_payload("e10", "transfer_out", EIGHT + 7 * HOUR, 1, to_location="LEEDS")),
    _held("e15", "dismissed", "negative_on_hand", "ship asks 99 of on_hand where 6 are",
          "3153cd302275fa9357e74799134aef6f", state="on_hand", quantity_asked=99, quantity_there=6, row=15,
          occurred_at=EIGHT + 8 * HOUR, decided_at=RECORDED + HOUR, decided_by="ops",
          payload=_payload("e15", "ship", EIGHT + 8 * HOUR, 99, document="SO-15")),
    _held("e16", "parked", "lacks_sku", "wms names SKU BOWL, which no SKU or alias explains",
          "a4090eb162d3ffc1fdf5e1bc2f9cace2", position_id=None, lacks="sku", lacked="BOWL", row=16,
          occurred_at=EIGHT + 8 * HOUR, payload=_payload("e16", "receipt", EIGHT + 8 * HOUR, 4, sku="BOWL")),
    ("corrected_telling", {"source_id": 1, "event_id": "e14",
                           "content": bytes.fromhex("b46645d30559d8b86c9efb82567b61b7")}),
]  # fmt: skip

SECOND: Rows = [
    *(("sku", {"sku": sku, "base_uom": "EA", "unit_price": 120000, "currency": "EUR", "lot_controlled": False})
      for sku in ("MUG", "CUP", "PLATE", "TRAY")),
    ("unit_of_measure", {"sku": "MUG", "uom": "CS", "numerator": 12, "denominator": 1}),
    ("alias", {"system": "shop", "external_sku": "MUG-BLUE", "sku": "MUG", "owner": "ops"}),
    *(("location", {"location": one, "stock_control": "strict"}) for one in ("LEEDS", "BATH")),
    ("safety_stock", {"sku": "MUG", "location": "LEEDS", "quantity": 1}),
    ("rate", {"currency": "USD", "as_of": EIGHT, "per_reporting_unit": 10800}),
    ("channel", {"channel": "shop", "kind": "shopify", "priority": 1, "mode": "shadow"}),
    ("channel_rule", {"channel": "shop", "sku": "", "share_ten_thousandths": 8000, "buffer": 1, "valid_from": EIGHT,
                      "owner": "ops", "reason": "opening"}),
    ("supplier", {"supplier": "POTTERY"}),
    ("delivery", {"supplier": "POTTERY", "sku": "MUG", "ordered_at": EIGHT, "ordered_quantity": 10,
                  "received_quantity": 10, "received_at": EIGHT + HOUR, "content": bytes.fromhex("00ff")}),
]  # fmt: skip

_CASE = {
    "fingerprint": "duplicate:MUG", "status": "acknowledged", "title": "PO-1 was received twice",
    "root_cause": "duplicate", "subclass": "business_key", "probability": 0.9, "abstained": False,
    "fault_probability": 1.0, "exposure": 1200000, "expected_loss": 1200000, "currency": "EUR", "exposure_terms": "{}",
    "rank_value": 120.0, "reasons": "[]", "skus": '["MUG"]', "locations": '["LEEDS"]', "channels": "[]", "signals": 1,
    "autonomy": "approve", "owner": "ana", "opened_at": RECORDED, "updated_at": RECORDED, "model_versions": "{}",
    "needs_review": False,
}  # fmt: skip

THIRD: Rows = [
    ("snapshot", {"system": "erp", "sku": "MUG", "location": "LEEDS", "state": "on_hand", "quantity": 9,
                  "as_of": RECORDED, "recorded_at": RECORDED}),
    ("reconciliation", {"system": "erp", "as_of": RECORDED, "compared": 1, "differing": 1, "recorded_at": RECORDED}),
    ("delta", {"reconciliation_id": 1, "system": "erp", "as_of": RECORDED, "recorded_at": RECORDED, "sku": "MUG",
               "location": "LEEDS", "channel": "", "state": "on_hand", "expected": 7, "reported": 9, "in_flight": 0}),
    ("failure", {"id": "f1", "kind": "suspected_duplicate", "subject": "event:wms:e8", "occurred_at": EIGHT,
                 "recorded_at": RECORDED, "message": "receipt PO-1 line 1 is known as event e1", "system": "wms",
                 "operation": "ledger.receipt", "sku": "MUG", "location": "LEEDS", "error_code": "business_key",
                 "attempts": 1, "event_lag_s": 7200.0, "duplicate_of": "e1", "document": "PO-1", "quantity": 10}),
    ("push_intent", {"channel": "shop", "sku": "MUG", "quantity": 3, "shown_quantity": 3, "state": "visible",
                     "attempts": 0, "intended_at": RECORDED, "visible_at": RECORDED}),
    ("push_attempt", {"intent_id": 1, "at": RECORDED, "quantity": 3, "answer": "accepted", "http_status": 200}),
    ("exception_case", _CASE),
    ("case_signal", {"case_id": 1, "kind": "failure", "signal_id": 1, "pinned": False, "added_at": RECORDED}),
    ("case_entry", {"case_id": 1, "at": RECORDED, "actor": "ana", "verb": "acknowledge", "before": '{"status":"new"}',
                    "after": '{"status":"acknowledged"}'}),
]  # fmt: skip

FOURTH: Rows = [
    _held("e1#a1ac2c6dbe215e41", "conflict", "id_conflict", "event e1 came again with other content; the first stands",
          "a1ac2c6dbe215e4130f566de795976b7", duplicate_of="e1", quantity_asked=11, occurred_at=EIGHT,
          payload=_payload("e1#a1ac2c6dbe215e41", "receipt", EIGHT, 11, document="PO-1", line="1")),
]  # fmt: skip

FIFTH: Rows = [
    ("channel_rule", {"channel": "shop", "sku": "MUG", "share_ten_thousandths": 5000, "buffer": 0,
                      "shortage_below": 4, "valid_from": EIGHT, "owner": "ops"}),
]  # fmt: skip

TENTH: Rows = [
    ("order_state", {"document": "SO-1", "sku": "MUG", "shipped_units": 1, "shipped_at": EIGHT + 2 * HOUR}),
]

TWELFTH: Rows = [
    ("kit_component", {"kit": "SET", "component": one, "quantity": units, "valid_from": EIGHT})
    for one, units in (("MUG", 1), ("PLATE", 2))
]

BY_REVISION: Mapping[str, Rows] = {
    "core_0001": FIRST,
    "core_0002": SECOND,
    "core_0003": THIRD,
    "core_0004": FOURTH,
    "core_0005": FIFTH,
    "core_0010": TENTH,
    "core_0012": TWELFTH,
}
"""What was written newly at a revision; revisions without rows of their own are not named."""

TELLINGS: list[dict[str, Any]] = [
    {"id": name, "source": "wms", "sku": "MUG", "location": "LEEDS", "type": kind, "quantity": quantity,
     "time": f"2026-03-02T{hour:02}:00:00Z", **told}
    for name, kind, hour, quantity, told in (
        ("e1", "receipt", 8, 10, {"document": "PO-1", "line": "1", "unit_price": 4.5}),
        ("e2", "reserve", 9, 4, {"document": "SO-1", "channel": "shop", "account": "ACME",
                                 "expires_at": "2026-03-09T09:00:00Z"}),
        ("e3", "ship", 10, 3, {"document": "SO-1", "channel": "shop"}),
        ("e4", "transfer_out", 11, 2, {"document": "TO-1", "to_location": "BATH"}),
        ("e5", "count", 13, 6, {}),
        ("e6", "receipt", 12, 1, {"document": "PO-2", "line": "1", "reason": "late", "shift": "night"}),
        ("e7", "return_received", 14, 1, {"document": "RMA-1"}),
        ("e8", "receipt", 15, 10, {"document": "PO-1", "line": "1"}),
        ("e9", "ship", 15, 50, {"document": "SO-9"}),
        ("e10", "transfer_out", 15, 1, {"to_location": "LEEDS"}),
        ("e11", "ship", 8, 5, {"source": "legacy", "sku": "TRAY"}),
        ("e12", "receipt", 9, 7, {"sku": "CUP", "lot": "L-1"}),
        ("e13", "adjust", 16, -1, {}),
        ("e14", "receipt", 16, 3, {"sku": "PLATE"}),
        ("e14", "receipt", 16, 3, {"sku": "PLATEX"}),
        ("e15", "ship", 16, 99, {"document": "SO-15"}),
        ("e16", "receipt", 16, 4, {"sku": "BOWL"}),
    )
]  # fmt: skip
"""Every message that these rows came from, as the sources would send it again."""


def rows_up_to(revision: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of a database at ``revision``, in the order in which they can be written."""
    for written_at, rows in BY_REVISION.items():
        if written_at <= revision:
            yield from rows
