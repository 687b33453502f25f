"""How often somebody may try: a sliding window for each account and for each address, kept in the database for all processes.

An attempt is counted before it is looked at, so a thousand at the same moment are no more guesses than eight one after the other.
An account over the limit is told what everybody is told who fails; an address is told to wait, whatever accounts it names. Those tries
are not counted, so both open again by themselves. What succeeds counts for nothing: a house behind one address is held by its failures.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from heliograph.engine.db import Tx
from heliograph.features.access._digests import digest
from heliograph.kit.errors import Busy
from heliograph.kit.time import now

_KEPT = timedelta(hours=2)
_SHORT = 2  # bytes of a digest


@dataclass(frozen=True, slots=True)
class Lockout:
    """So many failures within so many minutes close an account, or an address, until the first of them is that old."""

    account_tries: int = 8
    address_tries: int = 100
    minutes: float = 5.0


def begin_attempt(tx: Tx, account: str, address: str, limit: Lockout, *, is_known: bool = True) -> bool:
    """Counts an attempt; False when it must fail whatever it brings. Commit before looking at what it brings.

    `is_known`: of an account that nobody has, which may be a password in the wrong field, too little is kept to guess it from.
    Raises Busy when it is the address that failed too often.
    """
    key, since = digest(account) if is_known else digest(account)[:_SHORT], now() - timedelta(minutes=limit.minutes)
    source = _network(address)
    _one_by_one(tx, f"account {account}", f"address {source}")  # always in this order
    _check_address(tx, source, since, limit)
    row = tx.execute("select count(*) from sign_in_attempt where account = %s and at > %s", (key, since)).fetchone()
    assert row is not None
    if row[0] >= limit.account_tries:
        return False
    _count(tx, key, source, limit)
    return True


def begin_unnamed(tx: Tx, address: str, limit: Lockout) -> int:
    """Counts an attempt that names no account, as a link or a passkey, for its address; to be forgotten when it was right."""
    source = _network(address)
    _one_by_one(tx, f"address {source}")
    _check_address(tx, source, now() - timedelta(minutes=limit.minutes), limit)
    return _count(tx, b"", source, limit)


def _one_by_one(tx: Tx, *locks: str) -> None:
    for lock in locks:
        tx.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (lock,))


def _check_address(tx: Tx, source: str, since: datetime, limit: Lockout) -> None:
    """Says nothing of any account, so it may say how long: until so few of its failures are left that one more may be."""
    row = tx.execute(
        "select at from sign_in_attempt where address = %s and at > %s order by at desc offset %s limit 1",
        (source, since, limit.address_tries - 1),
    ).fetchone()
    if row is not None:
        wait_s = (row[0] - since).total_seconds()
        raise Busy("too many sign-ins from this address have failed", code="too_many_sign_ins", retry_after_s=wait_s)


def _count(tx: Tx, key: bytes, source: str, limit: Lockout) -> int:
    row = tx.execute(
        "insert into sign_in_attempt (at, account, address) values (%s, %s, %s) returning id", (now(), key, source)
    ).fetchone()
    assert row is not None
    tx.execute(
        "delete from sign_in_attempt where id in (select id from sign_in_attempt where at < %s limit 100 for update skip locked)",
        (now() - max(_KEPT, timedelta(minutes=limit.minutes)),),
    )
    return int(row[0])


def failures(tx: Tx, accounts: list[bytes], limit: Lockout) -> dict[bytes, int]:
    """How many attempts on each of these accounts (their digests) count now."""
    rows = tx.execute(
        "select account, count(*) from sign_in_attempt where account = any(%s) and at > %s group by account",
        (accounts, now() - timedelta(minutes=limit.minutes)),
    )
    return {bytes(row[0]): row[1] for row in rows}


def forget_attempts(tx: Tx, account: str) -> None:
    """It was the right person: what failed before counts no more, for the account and for the addresses it came from."""
    tx.execute("delete from sign_in_attempt where account = %s", (digest(account),))


def forget_unnamed(tx: Tx, attempt: int) -> None:
    """It was right."""
    tx.execute("delete from sign_in_attempt where id = %s", (attempt,))


def _network(address: str) -> str:
    """What one customer of a provider holds: an IPv4 address, or 2^64 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
