"""Every setting, read from the environment (``STOCKTRIAGE_…``) in one place and handed down.

Nothing reads the environment at import, so two worlds can live side by side. Without any setting the
service keeps everything in the folder ``var`` of the working directory and listens on loopback only.
"""

import ipaddress
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from core_sync.errors import SettingsRefused

PREFIX = "STOCKTRIAGE_"
TOKEN_LENGTH_MIN = 16
"""A shorter token can be guessed; 16 characters from a random generator cannot."""

_Names = Annotated[tuple[str, ...], NoDecode]
_Secrets = Annotated[tuple[SecretStr, ...], NoDecode]


class Settings(BaseSettings):
    """What the user may set; the description of each field is what ``doctor`` prints."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    home: Path = Field(Path("var"), description="folder for everything the service keeps")
    database_url: str = Field("", description="stock database; sqlite:///… or postgresql+psycopg://…")
    runs_url: str = Field("", description="database of durable runs; never the stock database's file")
    mlflow_uri: str = Field("", description="where training keeps its runs: a sqlite:/// file or an MLflow server")
    models_folder: Path = Field(Path(), description="where promoted models are kept")
    code_files: _Names = Field((), description="your own tables of error codes (.toml), by comma; read at the start")
    host: str = Field("127.0.0.1", description="address to listen on; anything but loopback needs a token")
    port: int = Field(8765, ge=0, le=65_535, description="port to listen on; 0 takes a free one")
    public_hosts: _Names = Field((), description="names under which a proxy makes the service known, by comma")
    api_tokens: _Secrets = Field((), description="who may use the service: name:token, by comma")
    reporting_currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="currency in which exposure is told")
    alert_urls: _Secrets = Field((), description="where alerts go: Apprise URLs, by comma; none sends none")
    alert_above: Decimal = Field(Decimal(1000), description="expected loss above which a new case is alerted")
    buffer_approval_above: float = Field(
        1_000, ge=0, description="worth of the units of a buffer's change above which a person must approve it"
    )
    buffer_most_share: float = Field(
        0.5, ge=0, le=1, description="largest share of what is available that a recommended buffer may hold back"
    )
    channel_endpoints: dict[str, str] = Field({}, description="URL by channel, as JSON")
    channel_tokens: dict[str, SecretStr] = Field({}, description="access token by channel, as JSON")
    warehouse_endpoints: dict[str, str] = Field({}, description="URL of the warehouse system by location, as JSON")
    push_history_days: int = Field(
        90, ge=1, description="days for which tries of pushes and shadow updates are kept; open failures keep theirs"
    )
    retrain_after_labels: int = Field(
        50, ge=0, description="ripe labels after which the root-cause model is trained anew; 0 never"
    )
    retrain_every_days: int = Field(7, ge=0, description="days after which it is, where a label is new; 0 never")
    retrain_set: _Names = Field((), description="what to train otherwise than the shipped model: texts=80000, by comma")
    sample: bool = Field(True, description="whether up fills an empty database with the sample distributor")

    @field_validator("public_hosts", "api_tokens", "alert_urls", "code_files", "retrain_set", mode="before")
    @classmethod
    def _by_comma(cls, said: Any) -> Any:
        return tuple(part.strip() for part in said.split(",") if part.strip()) if isinstance(said, str) else said

    @model_validator(mode="before")
    @classmethod
    def _below_home(cls, said: dict[str, Any]) -> dict[str, Any]:
        home = Path(said.get("home") or "var")
        stock = str(said.get("database_url") or f"sqlite:///{home / 'stock.db'}")
        defaults: dict[str, Any] = {
            "database_url": stock,
            "runs_url": _runs_beside(stock),
            "mlflow_uri": f"sqlite:///{home / 'mlflow.db'}",
            "models_folder": home / "models",
        }
        return {**said, **{name: default for name, default in defaults.items() if not said.get(name)}}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.runs_url == self.database_url and self.database_url.startswith("sqlite"):
            raise ValueError("runs_url: must not be the stock database's file: two writers would wait for each other")
        for name, url in (("database_url", self.database_url), ("runs_url", self.runs_url)):
            try:
                backend = make_url(url).get_backend_name()
            except ArgumentError as error:
                raise ValueError(
                    f"{name}: is no database URL; write sqlite:///FILE or postgresql+psycopg://…"
                ) from error
            if backend not in ("sqlite", "postgresql"):
                raise ValueError(f"{name}: {backend} is not supported; use sqlite or postgresql")
        return self

    @property
    def listens_on_loopback(self) -> bool:
        """Whether nobody but this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def tokens(self) -> Mapping[str, str]:
        """Token by the name of who holds it.

        Raises:
            SettingsRefused: a token has no name, or is short enough to be guessed.
        """
        tokens: dict[str, str] = {}
        for secret in self.api_tokens:
            name, colon, token = secret.get_secret_value().partition(":")
            if not colon or not name:
                raise SettingsRefused(f"{PREFIX}API_TOKENS", "write name:token, so that the timeline can say who acted")
            if len(token) < TOKEN_LENGTH_MIN:
                raise SettingsRefused(
                    f"{PREFIX}API_TOKENS", f"the token of {name} is shorter than {TOKEN_LENGTH_MIN} characters"
                )
            tokens[name] = token
        return tokens

    def check_safe_to_serve(self) -> None:
        """Raises ``SettingsRefused`` where others could reach the service without a token."""
        if not self.listens_on_loopback and not self.tokens():
            raise SettingsRefused(
                f"{PREFIX}HOST",
                f"{self.host} can be reached from other machines; set {PREFIX}API_TOKENS=name:token or use 127.0.0.1",
            )

    def shown(self) -> dict[str, str]:
        """Every setting as text, secrets hidden."""
        told = {name: _shown(name, getattr(self, name)) for name in type(self).model_fields}
        for name in ("database_url", "runs_url", "mlflow_uri"):
            try:
                told[name] = make_url(getattr(self, name)).render_as_string(hide_password=True)
            except ArgumentError:
                continue  # an MLflow server's address, which holds no password
        return told


def read_settings(**said: Any) -> Settings:
    """The settings of the environment; what is ``said`` here wins.

    Raises:
        SettingsRefused: one of them cannot be understood; its name and the reason are told.
    """
    try:
        return Settings(**{name: value for name, value in said.items() if value is not None})
    except SettingsError as error:  # a mapping that is no JSON
        name = str(error).partition('"')[2].partition('"')[0]
        raise SettingsRefused(f"{PREFIX}{name.upper()}", 'must be a JSON object, {"name": "value"}') from error
    except ValidationError as error:
        first = error.errors()[0]
        reason = str(first["msg"]).removeprefix("Value error, ")
        name = str(first["loc"][0]) if first["loc"] else reason.partition(":")[0]
        raise SettingsRefused(f"{PREFIX}{name.upper()}", reason.removeprefix(f"{name}: ")) from error


def _runs_beside(database_url: str) -> str:
    """Runs in a file of their own beside the stock database's; on PostgreSQL in the same one, in their own schema."""
    if not database_url.startswith("sqlite:///"):
        return database_url
    file = Path(database_url.removeprefix("sqlite:///"))
    return f"sqlite:///{file.with_name(f'{file.stem}.runs.db')}"


def _shown(name: str, value: object) -> str:
    if name == "api_tokens" and isinstance(value, tuple):
        holders = [secret.get_secret_value().partition(":")[0] for secret in value]
        return ", ".join(f"{holder}:**********" for holder in holders)
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value)
    return ", ".join(f"{key}: {one}" for key, one in value.items()) if isinstance(value, dict) else str(value)
