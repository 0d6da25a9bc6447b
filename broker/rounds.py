"""One round of a service: each stage and each piece of work by itself, so that one which fails never holds up the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from broker.effect import Done, Effect, Milestone, Work
from broker.party import Party
from broker.receive import tell_log
from broker.store import leases, log, orphans
from schemas.errors import StoreUnavailableError, TransientError, TransportExhaustedError, TransportUnavailableError


def each_alone(party: Party, *stages: Callable[[], bool]) -> bool:
    """Run every stage, whatever became of the one before; says whether anything happened. What fails is told and tried next round."""
    happened = False
    for stage in stages:
        try:
            happened = stage() or happened
        except TransientError as error:
            party.alarm("unavailable", error=error.code)
        except TransportExhaustedError:
            raise  # the process is to end and be started anew
        except Exception as error:  # noqa: BLE001 - a fault of ours in one stage must not stop the others
            party.alarm("stage_failed", error=type(error).__name__)
    return happened


def do_work(party: Party, kind: str, life: timedelta, failed: str, effect_of: Callable[[Work, datetime], Effect]) -> bool:
    """Lease the oldest work that is due, find its effect with no transaction open, apply it once.

    What fails alarms as `failed` and is tried again when its lease has run out; other work goes on meanwhile.
    """
    at = party.now()
    work = party.store.due_work(kind, at)
    lease = leases.acquire(party.store.engine, f"work/{work.id}", party.owner, at, life) if work else None
    if work is None or lease is None:
        return False
    done = Done(lease=lease.name, term=lease.term, work=work.id)
    try:
        effect = effect_of(work, at)
        party.store.apply([Effect.of(Effect(done=done), effect)], party.seal, party.now())
    except (StoreUnavailableError, TransportUnavailableError):
        raise
    except Exception as error:  # noqa: BLE001 - one piece of work that fails in any way must not stop the rest
        party.alarm(failed, error=type(error).__name__, digest=str(work.digest))
        return False
    party.reached(Milestone.committed)
    return True


def tend(party: Party) -> bool:
    """What each minute wants: what is open in memory, leases of processes that are gone, what was quarantined, the log, orphaned keys."""
    party.store.recent.clear()
    leases.free_the_gone(party.store.engine, party.now())
    return each_alone(party, lambda: tell_log(party), lambda: _sequence(party), lambda: _sweep(party))


def _sweep(party: Party) -> bool:
    """Keys that nothing was sealed under go; none do when the store beside them is older, or another."""
    swept = orphans.sweep(party.store, party.now())
    if swept is None:
        party.alarm("keys_disagree")
    return bool(swept)


def _sequence(party: Party) -> bool:
    if log.sequence(party.store, party.log_key, party.now()) is None:
        return False
    party.reached(Milestone.logged)
    return True
