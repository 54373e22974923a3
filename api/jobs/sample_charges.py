"""What the sample's channels charge, and who its customers are: as a marketplace and a retailer usually do."""

from pathlib import Path
from types import MappingProxyType

from core_sync.clock import now
from core_sync.intake.load import load_files
from core_sync.ledger.ledger import Ledger

TABLES = MappingProxyType(
    {
        "channels": (
            "channel,kind,chargeback,chargeback_share,cancel_limit,cancel_days,suspension_days",
            "amazon,amazon,,,0.025,7,3",
            "edi,edi,15,0.03,,,",
        ),
        "tiers": ("tier,retention_value", "key,120", "trade,25"),
        "accounts": ("account,tier", "RETAILER-01,key", *(f"ACC-{number:02d},trade" for number in range(20))),
    }
)
"""Lines of interchange files, by table. Not part of the simulated world, whose own losses know nothing of them."""


def load_charges(ledger: Ledger, folder: Path) -> None:
    """Load them as files, as anybody would; ``folder`` is for the files."""
    for table, lines in TABLES.items():
        file = folder / f"charges_{table}.csv"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        load_files(ledger, table, [file], now())
