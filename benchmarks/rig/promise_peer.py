"""The peer that a tutorial would write for promises: SQLModel, SKU after SKU, channel after channel.

It does less than ours: no kits, no allotments, no shortage, no order of pushes; and its writes share one commit.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.ledger.tables import Position
from core_sync.master_data.tables import Channel, ChannelRule, SafetyStock
from core_sync.outbox.tables import PushIntent


def promise_each(database: Database, skus: Iterable[str], at: datetime) -> int:
    """Work out the promise of each SKU on each channel and keep it; returns how many changed."""
    moment = to_microseconds(at)
    changed = 0
    with Session(database.engine) as session:
        channels = session.exec(select(Channel).order_by(col(Channel.priority))).all()
        for sku in skus:
            available = _available(session, sku)
            for channel in channels:
                changed += _promise(session, channel.channel, sku, available, moment)
        session.commit()
    return changed


def _available(session: Session, sku: str) -> int:
    positions = session.exec(select(Position).where(Position.sku == sku, col(Position.relative).is_(False))).all()
    safety = session.exec(select(SafetyStock).where(SafetyStock.sku == sku)).all()
    held = sum(one.quantity for one in safety)
    return sum(one.on_hand - one.allocated - one.quality_hold for one in positions) - held


def _promise(session: Session, channel: str, sku: str, available: int, moment: int) -> bool:
    rule = session.exec(
        select(ChannelRule)
        .where(ChannelRule.channel == channel, col(ChannelRule.sku).in_(("", sku)), ChannelRule.valid_from <= moment)
        .order_by(col(ChannelRule.sku).desc(), col(ChannelRule.version).desc())
        .limit(1)
    ).one()
    quantity = max(0, available * rule.share_ten_thousandths // 10_000 - rule.buffer)
    intent = session.exec(select(PushIntent).where(PushIntent.channel == channel, PushIntent.sku == sku)).one()
    if intent.quantity == quantity:
        return False
    intent.quantity = quantity
    intent.revision += 1
    intent.intended_at = moment
    intent.state = "pending"
    session.add(intent)
    return True
