"""What is learned and what people have set, together: how long something may take."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from core_sync.expectations.kinds import Expectation
from core_sync.expectations.limits import SetLimits, read_limits
from core_sync.expectations.pace import Limit
from core_sync.expectations.paces import Paces, read_paces


@dataclass
class Knowledge:
    """What is learned and set, read once a round."""

    connection: Connection
    limits: SetLimits
    sources: dict[int, str]
    paces: dict[str, Paces] = field(default_factory=dict)

    def pace(self, kind: str) -> Paces:
        """What was observed of ``kind``."""
        if kind not in self.paces:
            self.paces[kind] = read_paces(self.connection, kind)
        return self.paces[kind]

    def limit(
        self, kind: Expectation, source_id: int, location: str, band: int | None
    ) -> tuple[Limit | None, str | None]:
        """How long ``kind`` may take at a place, in some hours of the week or (None) in any; and who set that.

        No limit where it is not expected or too little is known of it, and nobody where nobody set it.
        """
        longest = kind.longest.total_seconds() if kind.longest is not None else None
        learned = self.pace(kind.kind).limit(source_id, location, band, longest or 0.0)
        said = self.limits.of(kind.kind, self.sources.get(source_id, ""), location)
        if said is not None:
            if said.limit_s is None:
                return None, said.owner
            return Limit(learned.usual_s, said.limit_s, learned.observations), said.owner
        if longest is None and learned.observations == 0:
            return None, None
        return learned, None


def read_knowledge(connection: Connection) -> Knowledge:
    """What is learned (read when it is asked for) and set."""
    sources = connection.execute(text("SELECT source_id, name FROM source")).all()
    return Knowledge(connection, read_limits(connection), dict(sources))
