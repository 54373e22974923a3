"""A vendor nobody trained on: a warehouse system that speaks Swedish, a language the generator does not."""

from dataclasses import dataclass

import numpy as np

from ml.root_cause.causes import RootCause

_PHRASES: dict[RootCause, tuple[str, ...]] = {
    RootCause.TIMEOUT: (
        "Anslutningen till {0} bröts innan något svar kom",
        "Tjänsten svarar inte, försök igen om en stund ({0})",
        "Väntetiden för anropet {0} har löpt ut",
        "För många anrop, vänta {1} sekunder",
        "Posten {0} är låst av en annan session",
    ),
    RootCause.SKU_MAPPING: (
        "Artikel {0} saknas i registret",
        "Okänd streckkod {0} på rad {1}",
        "Enheten {0} kan inte räknas om till styck",
        "Lagerplats {0} är inte upplagd",
        "Flera artiklar delar koden {0}",
    ),
    RootCause.STALE_RESERVATION: (
        "Saldot är fortfarande bokat av makulerad order {0}",
        "Reservation {0} har gått ut men ligger kvar",
        "Varan är upptagen av plocklista {0} som är stängd",
        "Bokningen {0} saknar ägare",
        "Kan inte flytta {1} st, de är reserverade för kund {0}",
    ),
    RootCause.DUPLICATE: (
        "Följesedel {0} är redan inläst",
        "Nummer {0} används redan",
        "Samma händelse har tagits emot tidigare ({0})",
        "Raden {1} i dokument {0} finns två gånger",
        "Inleverans {0} är redan slutförd",
    ),
    RootCause.POSTING_DELAY: (
        "Inleverans {0} är inte bokförd ännu",
        "Väntar på kvittens från lagret för {0}",
        "Perioden {0} är stängd för bokföring",
        "Dokument {0} ligger i kö till nattkörningen",
        "Plock klart men utleverans {0} är inte bekräftad",
    ),
    RootCause.OTHER: (
        "Fältet {0} måste fyllas i",
        "Användaren saknar behörighet till {0}",
        "Antalet {1} får inte vara negativt",
        "Otillräckligt saldo för {0}",
        "Oväntat fel i modul {0}",
    ),
}


@dataclass(frozen=True)
class Told:
    """One message, its cause, and which of the vendor's phrases it is from."""

    message: str
    root_cause: RootCause
    phrase: str


def messages(count: int, seed: int) -> list[Told]:
    """``count`` messages of the vendor, every phrase equally often in the long run."""
    rng = np.random.default_rng(seed)
    phrases = [(cause, phrase) for cause, listed in _PHRASES.items() for phrase in listed]
    made = []
    for at in rng.integers(len(phrases), size=count):
        cause, phrase = phrases[int(at)]
        made.append(Told(phrase.format(f"X{rng.integers(10_000):04}", rng.integers(2, 60)), cause, phrase))
    return made
