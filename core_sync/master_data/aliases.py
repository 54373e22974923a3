"""Say what a foreign name means, and take it back; every change counts as a new version of master data."""

from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.errors import NotFound, VerbRefused
from core_sync.master_data.load import bump_version


def accept_alias(
    connection: Connection, system: str, external_sku: str, sku: str, owner: str, valid_from: datetime | None = None
) -> int:
    """``system`` means our ``sku`` when it says ``external_sku``; returns the version of the alias.

    Saying the same again changes nothing.

    Raises:
        NotFound: we have no such SKU.
        VerbRefused: the name already means another SKU.
    """
    if connection.execute(text("SELECT 1 FROM sku WHERE sku = :sku"), {"sku": sku}).first() is None:
        raise NotFound("SKU", sku)
    known = connection.execute(
        text(
            "SELECT version, sku FROM alias "
            "WHERE system = :system AND external_sku = :external_sku AND valid_to IS NULL ORDER BY version DESC"
        ),
        {"system": system, "external_sku": external_sku},
    ).first()
    if known is not None and known.sku != sku:
        raise VerbRefused("map", f"{external_sku} of {system} to {sku}", f"it means {known.sku}")
    if known is not None:
        return int(known.version)
    version = connection.execute(
        text(
            "INSERT INTO alias (system, external_sku, sku, valid_from, owner) "
            "VALUES (:system, :external_sku, :sku, :valid_from, :owner) RETURNING version"
        ),
        {
            "system": system,
            "external_sku": external_sku,
            "sku": sku,
            "valid_from": to_microseconds(valid_from) if valid_from else None,
            "owner": owner,
        },
    ).scalar_one()
    bump_version(connection)
    return int(version)


def withdraw_alias(connection: Connection, system: str, external_sku: str, at: datetime) -> int:
    """From ``at`` on the name means nothing any more; returns how many meanings ended."""
    ended = connection.execute(
        text(
            "UPDATE alias SET valid_to = :at "
            "WHERE system = :system AND external_sku = :external_sku AND valid_to IS NULL"
        ),
        {"system": system, "external_sku": external_sku, "at": to_microseconds(at)},
    )
    bump_version(connection)
    return max(ended.rowcount, 0)
