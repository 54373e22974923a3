"""What a push is about: one SKU on one channel."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Listing:
    """One SKU on one channel."""

    channel: str
    sku: str

    @property
    def subject(self) -> str:
        """The subject under which a failed push of this listing is kept."""
        return f"push:{self.channel}:{self.sku}"
