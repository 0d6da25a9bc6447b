"""Content keys that nothing was sealed under: their effect failed, or came second, after they were made durable. They are swept.

A key is durable before the transaction that seals under it, so a key without a row may belong to a transaction that is under way in
another process, however long that was stopped. No clock says that it is over; the store's mark does:

(1) An effect reads the mark before it makes its keys, and its transaction goes on only under that very mark. On PostgreSQL it holds the
    mark's row (FOR SHARE) until it ends; on SQLite it is the only writer.
(2) A sweep takes keys that are durable already, then changes the mark in a transaction of its own, which waits for those that hold it.
(3) So whoever made one of these keys has committed before the change, and its row is seen now; or finds another mark, commits nothing, and
    begins anew with other keys. Those without a row can go.

A store that was restored, or a copy, lacks the rows of newer keys. So the keys remember the mark, too: which comes next before the store
has it, which came last after. A store whose mark is neither is not the one these keys were made for: nothing of theirs is ever swept.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from broker.store import queries, tables
from broker.store.store import CASE_KEY, Store

AGE: Final = timedelta(hours=1)  # of a key that is looked at: no need for safety, but whoever is under way has to begin anew
MOST: Final = 500  # keys of one sweep: a tick is short, and there is another in a minute
MARK: Final = 16  # bytes, random: no two sweeps leave the same
EVERY: Final = timedelta(minutes=1)  # while keys are made the mark changes so often: a store of before is known by it


def sweep(store: Store, at: datetime) -> int | None:
    """Destroy what is orphaned among the oldest keys not looked at yet, each looked at once; says how many.

    None when store and keys were not made for each other: it is made known, once, and the keys that are here by then are kept for good.
    StoreUnavailableError while somebody holds the mark for long: nothing is lost, the next tick tries again.
    """
    held = store.vault.agreed(store.read_last_sweep, at)
    if held is None:
        return None
    # (2) keys first, the mark second
    found = store.vault.unproven(at - AGE, MOST)
    if not found and not store.vault.made_since_mark(at - EVERY):
        return 0
    if not _changed(store, held, at) or not found:
        return 0
    # (3) what has a row now is used, and nothing else ever will be
    with tables.reading(store.engine) as connection:
        cases = sorted({name.removeprefix(CASE_KEY) for _, name in found})
        used = {key_id for case in cases for key_id in connection.scalars(queries.KEY_IDS, {"case_id": case})}
    orphaned = [key_id for key_id, _ in found if key_id not in used]
    store.vault.prove([key_id for key_id, _ in found if key_id in used], orphaned)
    return len(orphaned)


def _changed(store: Store, held: str, at: datetime) -> bool:
    """Change the mark from the one held, in keys, store and keys; another process' change that was cut off is gone on with."""
    mark = store.vault.next_mark(held, secrets.token_hex(MARK))
    if mark is None:  # another process changed it meanwhile
        return False
    with tables.transaction(store.engine) as connection:
        if connection.execute(queries.SWEEP, {"mark": mark, "held": held}).rowcount != 1:
            return False
    store.last_sweep = mark
    store.vault.settle_mark(mark, at)
    return True
