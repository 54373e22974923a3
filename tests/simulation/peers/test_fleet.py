"""Simulated channels as processes: started, ordered about, and ended."""

import subprocess
import sys

import httpx
import pytest

from simulation.peers.fleet import Fleet
from simulation.peers.kinds import KINDS


def test_a_fleet_lists_sells_and_ends_with_its_block() -> None:
    with Fleet.start(KINDS, listings={"MUG": 3}, speed=0, generous=True) as fleet:
        urls = [peer.url for peer in fleet.values()]
        assert {kind: peer.shown() for kind, peer in fleet.items()} == {kind: {"MUG": 3} for kind in KINDS}
        for peer in fleet.values():
            assert peer.buy("MUG", 2)
        assert fleet.oversold({"MUG": 4}) == {"MUG": 2}
        fleet.passes(60)
        assert fleet["edi"].counters()["at_s"] == 60
        fleet.kill("amazon")
        with pytest.raises(httpx.ConnectError):
            fleet["amazon"].shown()
    for url in urls:
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, trust_env=False)


def test_a_channel_ends_with_whoever_started_it() -> None:
    command = [sys.executable, "-m", "simulation.peers", "shopify", "--while-stdin"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    with process.stdin, process.stdout:
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/_counters", trust_env=False).status_code == 200
        process.stdin.close()
        process.wait(10)


def test_a_kind_that_there_is_not_is_named_with_those_that_there_are() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "simulation.peers", "bazaar"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert all(kind in ended.stderr for kind in KINDS)
