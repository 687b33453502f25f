"""How often somebody may try: a sliding window for each account and for each address, kept in the database for all processes.

An attempt is counted before it is looked at, so a thousand at the same moment are no more guesses than eight one after the other.
Who is over the limit is told what everybody is told who fails; those tries are not counted, so an account opens again by itself.
"""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta

from heliograph.engine.db import Tx
from heliograph.features.access._digests import digest
from heliograph.kit.time import now

_KEPT = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Lockout:
    """So many failures within so many minutes close an account, or an address, until the first of them is that old."""

    account_tries: int = 8
    address_tries: int = 100
    minutes: float = 5.0


def begin_attempt(tx: Tx, account: str, address: str, limit: Lockout) -> bool:
    """Counts an attempt; False when it must fail whatever it brings. Commit before looking at what it brings."""
    key, source = digest(account), _network(address)
    for lock in (f"account {account}", f"address {source}"):  # always in this order
        tx.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (lock,))
    since = now() - timedelta(minutes=limit.minutes)
    row = tx.execute(
        "select (select count(*) from sign_in_attempt where account = %(a)s and at > %(t)s), "
        "(select count(*) from sign_in_attempt where address = %(s)s and at > %(t)s)",
        {"a": key, "s": source, "t": since},
    ).fetchone()
    assert row is not None
    if row[0] >= limit.account_tries or row[1] >= limit.address_tries:
        return False
    tx.execute("insert into sign_in_attempt (at, account, address) values (%s, %s, %s)", (now(), key, source))
    tx.execute(
        "delete from sign_in_attempt where id in (select id from sign_in_attempt where at < %s limit 100 for update skip locked)",
        (now() - max(_KEPT, timedelta(minutes=limit.minutes)),),
    )
    return True


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
