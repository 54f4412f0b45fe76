"""The run's ledger: what it says of each request, after any stop, and that damage stops the spending."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from augmentai.dataset.paid_answers import Item
from augmentai.engines.budget import Budget, CapReachedError
from augmentai.engines.ledger import CreditLimits, Ledger, LedgerError
from augmentai.engines.run_ledger import OWNER, RunLedger

ITEM = Item("painter", "cats/ä.jpg", "ab" * 32, 2, 77, 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def spend(ledger: RunLedger, *answers: bool | None, item: Item = ITEM, payer: str = OWNER) -> None:
    for charged in answers:
        ledger.settle(ledger.reserve(item, 2.5, payer), charged)


def test_nothing_bought_leaves_no_file(path: Path) -> None:
    ledger = RunLedger(path)
    ledger.adopt(0, {})
    assert (ledger.charged, ledger.committed(), ledger.uncertain(), ledger.is_resumed) == (0, 0, "", False)
    assert not path.exists()


def test_what_was_charged_is_known_to_the_next_process(path: Path) -> None:
    first = RunLedger(path)
    spend(first, True, False, None, True)
    first.reserve(ITEM, 4)  # killed in flight
    assert not first.is_resumed
    assert first.charged_before(("cats/ä.jpg", "ab" * 32), 2) == 0  # it is this process's own
    second = RunLedger(path)
    assert second.is_resumed
    for ledger in (first, second):
        assert (ledger.charged, ledger.committed(), ledger.committed("visitor")) == (5, 11.5, 0)
        assert ledger.uncertain() == (
            "up to 2 requests were in flight at the stop or lost their connection; they may have cost 6.5 more credits"
        )
    assert second.charged_before(("cats/ä.jpg", "ab" * 32), 2) == 5
    assert second.charged_before(("cats/ä.jpg", "ab" * 32), 1) == 0


def test_a_line_names_the_request_and_no_more(path: Path) -> None:
    ledger = RunLedger(path)
    spend(ledger, True)
    reserved, settled = (json.loads(line) for line in path.read_text().splitlines())
    number = reserved.pop("request")
    assert settled == {"request": number, "state": "charged"}
    assert reserved == {
        "state": "reserved",
        "payer": "owner",
        "credits": 2.5,
        "engine": "painter",
        "source": "cats/ä.jpg",
        "source_sha256": "ab" * 32,
        "index": 2,
        "seed": 77,
        "attempt": 1,
    }


def test_who_pays_is_counted_apart(path: Path) -> None:
    ledger = RunLedger(path)
    spend(ledger, True, True, payer="painter")
    spend(ledger, True)
    for one in (ledger, RunLedger(path)):
        assert (one.charged, one.committed(), one.committed("painter")) == (7.5, 2.5, 5)


@pytest.mark.parametrize("cut", range(1, 28))
def test_a_line_cut_off_by_a_kill_counts_as_in_flight(path: Path, cut: int) -> None:
    spend(RunLedger(path), True, True)
    path.write_bytes(path.read_bytes()[:-cut])
    ledger = RunLedger(path)
    assert not ledger.fault
    assert (ledger.charged, ledger.committed()) == (2.5, 5)
    spend(ledger, True)
    again = RunLedger(path)
    assert (again.fault, again.charged, again.committed()) == ("", 5, 7.5)


DAMAGED = [
    b"{\n",
    b"\xff\xfe\n",
    b"\0\0\0\0\n",
    b"[]\n",
    b"7\n",
    b'{"request": "never made", "state": "charged"}\n',
    b'{"request": "SAME", "state": "charged"}\n',
    b'{"request": "x", "state": "given back"}\n',
    b'{"state": "reserved"}\n',
]
AMOUNTS = ["NaN", "Infinity", "-2.5", "null", '"2.5"', "1e999", "true"]


def check_nothing_is_spent(path: Path) -> None:
    content = path.read_bytes()
    ledger = RunLedger(path)
    assert ledger.fault.startswith(f"the run's credits cannot be read from {path} (")
    assert "so none are spent; correct the file, or delete it to count from the manifest" in ledger.fault
    with pytest.raises(LedgerError, match="cannot be read from"):
        ledger.reserve(ITEM, 1)
    ledger.adopt(0, {})
    assert path.read_bytes() == content


@pytest.mark.parametrize("line", DAMAGED)
@pytest.mark.parametrize("last", [True, False])
def test_a_damaged_line_stops_spending(path: Path, line: bytes, last: bool) -> None:
    ledger = RunLedger(path)
    spend(ledger, True)
    same = json.loads(path.read_text().splitlines()[0])["request"]
    with path.open("ab") as file:
        file.write(line.replace(b"SAME", same.encode()))
    if not last:
        spend(ledger, True)
    check_nothing_is_spent(path)


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_that_is_not_one_stops_spending(path: Path, amount: str) -> None:
    spend(RunLedger(path), True)
    path.write_text(path.read_text().replace('"credits": 2.5', f'"credits": {amount}'))
    check_nothing_is_spent(path)


def test_what_cannot_be_noted_is_not_bought_and_leaves_the_day_as_it_was(tmp_path: Path) -> None:
    limits = CreditLimits(10, 10, tmp_path)
    budget = Budget(limits, RunLedger(tmp_path / "no such folder" / "ledger.jsonl"))
    with pytest.raises(LedgerError, match=r"cannot be written to .* \(No such file or directory\), so none are spent"):
        budget.reserve(5, lambda: False)
    assert Ledger(limits).spent() == 0


def test_a_full_disk_buys_nothing(path: Path) -> None:
    ledger = RunLedger(path)
    path.symlink_to("/dev/full")
    with pytest.raises(LedgerError, match=r"cannot be written to .* \(No space left on device\).*make room"):
        ledger.reserve(ITEM, 1)
    assert ledger.committed() == 0


def test_what_is_not_a_file_is_not_read(path: Path) -> None:
    path.symlink_to("/dev/zero")
    assert "(it is not a file)" in RunLedger(path).fault


def test_a_limit_of_a_job_holds_over_restarts(path: Path, tmp_path: Path) -> None:
    def restarted() -> Budget:
        return Budget(CreditLimits(10, None, tmp_path), RunLedger(path))

    for charged in (True, None):
        reservation = restarted().reserve(2.5, lambda: False, ITEM)
        assert reservation is not None
        reservation.settle(charged)
    assert restarted().reserve(2.5, lambda: False, ITEM) is not None  # and killed
    assert restarted().reserve(2.5, lambda: False, ITEM) is not None
    with pytest.raises(CapReachedError, match=r"the limit of 10 credits a job is reached \(10 spent"):
        restarted().reserve(2.5, lambda: False, ITEM)
    assert Budget(CreditLimits(10, None, tmp_path), RunLedger(path), "visitor").reserve(2.5, lambda: False) is not None


def test_a_run_of_an_earlier_version_begins_its_ledger_with_what_the_manifest_counted(path: Path) -> None:
    ledger = RunLedger(path)
    ledger.adopt(7.5, {("a.jpg", "ab", 1): 2.5})
    for one in (ledger, RunLedger(path)):
        assert (one.is_resumed, one.charged, one.committed()) == (True, 10, 10)
        assert (one.charged_before(("a.jpg", "ab"), 1), one.charged_before(("a.jpg", "ab"), 2)) == (2.5, 0)
