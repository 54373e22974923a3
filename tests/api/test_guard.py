"""Who may use the service, from where, and as whom."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.guard import COOKIE, session_actor, session_cookie
from api.wiring import World, build_world
from core_sync.errors import SettingsRefused
from core_sync.settings import read_settings
from tests.core_sync.cases.worklist import a_case
from tests.core_sync.stocked import Clock

TOKEN = "correct-horse-battery"
TOKENS = {"ana": TOKEN, "bo": "another-token-entirely"}


@pytest.fixture
def locked(sqlite_url: str, tmp_path: Path) -> Iterator[TestClient]:
    """A client of a service that asks for tokens."""
    tokens = ",".join(f"{name}:{token}" for name, token in TOKENS.items())
    world = build_world(read_settings(home=tmp_path, database_url=sqlite_url, api_tokens=tokens), Clock())
    yield TestClient(create_app(world), base_url="http://127.0.0.1:8765", follow_redirects=False)
    world.close()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", ""])
def test_on_loopback_a_foreign_host_name_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/v1/feed", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1", "[::1]:8765", "LOCALHOST"])
def test_on_loopback_the_names_of_loopback_are_known(client: TestClient, host: str) -> None:
    assert client.get("/v1/feed", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_site_cannot_change_anything(client: TestClient, world: World, headers: dict[str, str]) -> None:
    case = a_case(world.database)
    for address in (f"/v1/cases/{case}/acknowledge", f"/cases/{case}/acknowledge"):
        assert client.post(address, json={}, headers=headers).status_code == 403
    assert client.get(f"/v1/cases/{case}").json()["status"] == "new"


def test_the_console_itself_and_scripts_can(client: TestClient, world: World) -> None:
    case = a_case(world.database)
    assert client.post(f"/v1/cases/{case}/note", json={"note": "a script"}).status_code == 200
    own = {"origin": "http://127.0.0.1:8765", "sec-fetch-site": "same-origin"}
    assert client.post(f"/cases/{case}/acknowledge", headers=own).status_code == 303


def test_where_tokens_are_set_one_is_needed_and_says_who_acts(locked: TestClient) -> None:
    refused = locked.get("/v1/feed")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert locked.get("/v1/feed", headers=bearer("correct-horse-batterx")).status_code == 401
    assert locked.get("/v1/feed", headers={"Authorization": f"Basic {TOKEN}"}).status_code == 401
    assert locked.get("/v1/feed", headers=bearer(TOKEN)).status_code == 200
    assert locked.get("/v1/health").status_code == 200
    told = locked.put("/v1/autonomy/retry_push", json={"level": "off", "reason": "peak"}, headers=bearer(TOKEN))
    assert told.json()[0]["owner"] == "ana"


def test_a_browser_logs_in_and_out_and_acts_under_its_name(locked: TestClient) -> None:
    away = locked.get("/cases/1")
    assert (away.status_code, away.headers["location"]) == (303, "/login?next=/cases/1")
    assert locked.post("/login", data={"token": "wrong"}).status_code == 401
    came = locked.post("/login", data={"token": TOKEN, "next": "/?status=all"})
    assert (came.status_code, came.headers["location"]) == (303, "/?status=all")
    cookie = came.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert "ana" in locked.get("/").text
    locked.post("/logout")
    locked.cookies.clear()
    assert locked.get("/").status_code == 303


@pytest.mark.parametrize("next_page", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"])
def test_logging_in_leads_to_our_pages_only(locked: TestClient, next_page: str) -> None:
    came = locked.post("/login", data={"token": TOKEN, "next": next_page})
    assert came.headers["location"] == "/"


def test_a_session_is_bound_to_its_name_its_token_and_its_time() -> None:
    cookie = session_cookie(TOKENS, "ana", 1_000)
    assert session_actor(TOKENS, f"{COOKIE}={cookie}", 2_000) == "ana"
    assert session_actor(TOKENS, f"{COOKIE}={cookie}", 1_000 + 13 * 3600) is None
    assert session_actor(TOKENS, f"{COOKIE}={cookie.replace('ana', 'bo')}", 2_000) is None
    assert session_actor({**TOKENS, "ana": "changed-token-0123"}, f"{COOKIE}={cookie}", 2_000) is None
    longer = ".".join((cookie.split(".")[0], "9999999999", cookie.split(".")[2]))
    assert session_actor(TOKENS, f"{COOKIE}={longer}", 2_000) is None


def test_every_answer_forbids_foreign_content(client: TestClient) -> None:
    for address in ("/", "/v1/feed", "/cases/999", "/static/console.css"):
        headers = client.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "stock.example"])
def test_anything_but_loopback_without_a_token_is_refused(host: str) -> None:
    with pytest.raises(SettingsRefused, match="can be reached from other machines"):
        read_settings(host=host).check_safe_to_serve()
    read_settings(host=host, api_tokens=f"ana:{TOKEN}").check_safe_to_serve()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    settings = read_settings(host=host)
    settings.check_safe_to_serve()
    assert not settings.tokens()


@pytest.mark.parametrize("tokens", ["short:abc", "no-name-at-all-but-long-enough", ":0123456789abcdef"])
def test_a_token_that_can_be_guessed_or_names_nobody_is_refused(tokens: str) -> None:
    with pytest.raises(SettingsRefused):
        read_settings(host="0.0.0.0", api_tokens=tokens).check_safe_to_serve()
