"""The console in a real browser: from the worklist to a decided case, by mouse and by keyboard alone."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from api.app import create_app
from api.wiring import World
from simulation.peers.serve import running
from tests.api.repeats import a_case_of_a_repeat
from tests.core_sync.cases.worklist import a_case, the_case

CHROMIUM = Path(os.environ.get("STOCKTRIAGE_TEST_CHROMIUM", "/usr/bin/chromium"))
TABS_MAX = 60
"""More than any page has."""
# Without these Chromium looks for hosts outside, again and again, where there is no way out.
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        reason = f"no browser at {CHROMIUM}; install Debian's chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield browser
        browser.close()


def test_a_case_is_triaged_in_a_browser_without_scripts(browser: Browser, stocked: World) -> None:
    mug = a_case_of_a_repeat(stocked, "90")
    plate = a_case(stocked.database, "PLATE", "40")
    with running(create_app(stocked)) as address:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        elsewhere: list[str] = []
        page.on("request", lambda request: elsewhere.append(request.url) if address not in request.url else None)
        page.goto(address)
        assert page.locator("table.feed tbody tr").count() == 2
        assert "90.00 EUR" in page.locator("table.feed tbody tr").first.inner_text()

        page.get_by_role("link", name="MUG cannot be pushed").click()
        page.get_by_role("button", name="Acknowledge").click()
        page.get_by_label("Owner").fill("ana")
        page.get_by_role("button", name="Assign").click()
        page.get_by_role("button", name="Ask for it").click()
        assert page.get_by_role("button", name="Approve and run").is_visible()
        page.get_by_label("Why not").fill("it is another delivery")
        page.get_by_role("button", name="Reject").click()
        page.get_by_text("Override root cause or rank").click()
        page.get_by_label("Root cause").select_option("other")
        page.get_by_label("Why", exact=True).fill("asked the warehouse")
        page.get_by_role("button", name="Override").click()
        assert "said by a person" in page.inner_text("main")
        page.get_by_label("How").fill("counted again")
        page.get_by_role("button", name="Resolve").click()
        assert page.get_by_role("button", name="Reopen").is_visible()

        page.goto(address)
        assert page.locator("table.feed tbody tr").count() == 1
        page.get_by_role("textbox", name="SKU").fill("PLATE")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name="PLATE cannot be pushed").click()
        page.get_by_label("For").select_option("4h")
        page.get_by_role("button", name="Snooze").click()
        page.goto(address)
        assert "Nothing needs attention" in page.inner_text("main")
        context.close()
    assert elsewhere == []
    resolved, asleep = the_case(stocked.database, mug), the_case(stocked.database, plate)
    assert (resolved.status, resolved.owner, resolved.root_cause) == ("resolved", "ana", "other")
    assert asleep.status == "snoozed"


def test_who_knows_no_key_of_ours_gets_everywhere_by_tab(browser: Browser, stocked: World) -> None:
    cases = [a_case(stocked.database, f"SKU-{number}", str(100 - number)) for number in range(2)]
    with running(create_app(stocked)) as address:
        page = browser.new_page()
        page.goto(address)
        for number in range(2):
            tabbed_to(page, f"SKU-{number} cannot be pushed")
            page.keyboard.press("Enter")
            page.wait_for_url("**/cases/*")
            tabbed_to(page, "Acknowledge")
            page.keyboard.press("Enter")
            page.get_by_text("acknowledged").first.wait_for()
            tabbed_to(page, "worklist")
            page.keyboard.press("Enter")
            page.wait_for_url(f"{address}/")
        page.close()
    assert {the_case(stocked.database, case).status for case in cases} == {"acknowledged"}


KEYS = {
    "acknowledged": ["Alt+a"],
    "owned": ["Alt+o", "Control+a", "say ben", "Enter"],
    "resolved": ["Alt+r", "say counted again", "Enter"],
    "noted": ["Alt+m", "say the carrier calls back", "Enter"],
    "snoozed": ["Alt+z", "ArrowDown", "Tab", "Tab", "Tab", "Enter"],
}


def test_ten_cases_are_triaged_by_keyboard_alone_with_a_key_to_go_on_and_one_for_each_verb(
    browser: Browser, stocked: World
) -> None:
    cases = [a_case(stocked.database, f"SKU-{number}", str(100 - number)) for number in range(10)]
    with running(create_app(stocked)) as address:
        page = browser.new_page()
        page.goto(address)
        leads_on(page, "Alt+1")
        for number in range(10):
            page.get_by_role("heading", name=f"SKU-{number} cannot be pushed").wait_for()
            *before, last = list(KEYS.values())[number % len(KEYS)]
            for key in before:
                pressed(page, key)
            leads_on(page, last)
            if number == 9:
                leads_on(page, "Alt+u")
            else:
                leads_on(page, "Alt+n")
        leads_on(page, "Alt+w")
        assert page.locator("table.feed tbody tr").count() == 7, "two are resolved, one sleeps"
        page.close()
    told = [the_case(stocked.database, case) for case in cases]
    statuses = ["acknowledged", "new", "resolved", "new", "snoozed"]
    assert [case.status for case in told] == [*statuses, *statuses[:4], "new"], "the last was taken back"
    assert [case.owner for case in told] == [None, "ben", None, None, None] * 2


def leads_on(page: Page, key: str) -> None:
    """Press ``key``, and wait for the page that it leads to."""
    with page.expect_navigation():
        pressed(page, key)


def pressed(page: Page, key: str) -> None:
    """Press ``key``; with Alt as a keyboard does, which names the letter too; or type what comes after ``say``."""
    if key.startswith("say "):
        page.keyboard.type(key.removeprefix("say "))
    elif key.startswith("Alt+"):
        letter = key.removeprefix("Alt+")
        event = {"modifiers": 1, "key": letter, "windowsVirtualKeyCode": ord(letter.upper()), "unmodifiedText": letter}
        keyboard = page.context.new_cdp_session(page)
        keyboard.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": letter, **event})
        keyboard.detach()
    else:
        page.keyboard.press(key)


def test_the_next_page_goes_on_where_the_first_ended_whatever_others_did_meanwhile(
    browser: Browser, stocked: World
) -> None:
    cases = [a_case(stocked.database, f"SKU-{number:02}", str(100 - number)) for number in range(30)]
    with running(create_app(stocked)) as address:
        ana, ben = browser.new_page(), browser.new_page()
        ana.goto(address)
        seen = ana.locator("table.feed .title").all_inner_texts()
        for case in cases[:3]:
            ben.goto(f"{address}/cases/{case}")
            ben.get_by_label("How").fill("counted again")
            ben.get_by_role("button", name="Resolve").click()
        a_case(stocked.database, "DEAREST", "900")
        leads_on(ana, "Alt+n")
        seen += ana.locator("table.feed .title").all_inner_texts()
        assert seen == [f"SKU-{number:02} cannot be pushed" for number in range(30)]
        ana.close()
        ben.close()


def tabbed_to(page: Page, name: str) -> None:
    """Press Tab until what is called ``name`` has the focus."""
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")


def test_two_people_on_one_case_lose_no_verb(browser: Browser, stocked: World) -> None:
    case = a_case(stocked.database, "MUG", "50")
    with running(create_app(stocked)) as address:
        ana, ben = browser.new_page(), browser.new_page()
        for page in (ana, ben):
            page.goto(f"{address}/cases/{case}")
        ana.get_by_role("button", name="Acknowledge").click()
        ben.get_by_label("Owner").fill("ben")
        ben.get_by_role("button", name="Assign").click()
        for page in (ana, ben):
            page.goto(f"{address}/cases/{case}")
            assert page.get_by_text("acknowledged").first.is_visible()
            assert page.get_by_text("ben").first.is_visible()
        told = the_case(stocked.database, case)
        assert (told.status, told.owner) == ("acknowledged", "ben")
        ana.get_by_role("listitem").filter(has_text="acknowledge").get_by_role("button", name="undo").click()
        ana.get_by_text("new → ").first.wait_for()
        told = the_case(stocked.database, case)
        assert (told.status, told.owner) == ("new", "ben"), "one's own verb is taken back, the other's stays"
        ana.close()
        ben.close()


def test_a_new_case_is_announced_and_moves_no_row(browser: Browser, stocked: World) -> None:
    a_case(stocked.database, "MUG", "50")
    with running(create_app(stocked)) as address:
        page = browser.new_page()
        page.goto(address)
        before = page.locator("table.feed").inner_text()
        a_case(stocked.database, "CUP", "900")
        frame = page.frames[1]
        frame.evaluate("location.reload()")
        link = page.frame_locator("iframe.arrivals").get_by_role("link", name="1 new since this page was made")
        link.wait_for()
        assert page.locator("table.feed").inner_text() == before
        link.click()
        page.get_by_role("link", name="CUP cannot be pushed").wait_for()
        assert page.url == f"{address}/"
        page.close()


def test_many_are_done_by_keyboard_alone_and_undone(browser: Browser, stocked: World) -> None:
    cases = [a_case(stocked.database, f"SKU-{number}", str(100 - number)) for number in range(3)]
    with running(create_app(stocked)) as address:
        page = browser.new_page()
        page.goto(address)
        for case in cases[:2]:
            page.locator(f"input[name=case][value='{case}']").focus()
            page.keyboard.press("Space")
        tabbed_to(page, "Preview…")
        page.keyboard.press("Enter")
        page.wait_for_url("**/bulk")
        tabbed_to(page, "Acknowledge 2 cases")
        page.keyboard.press("Enter")
        page.get_by_text("2 cases: acknowledge done").wait_for()
        assert [the_case(stocked.database, case).status for case in cases] == ["acknowledged", "acknowledged", "new"]
        tabbed_to(page, "undo all of it")
        page.keyboard.press("Enter")
        page.get_by_text("2 cases changed").wait_for()
        page.close()
    assert {the_case(stocked.database, case).status for case in cases} == {"new"}
