"""An agency's review desk in a small borough: sources that hold what a test gives them, and requests as a hub sends them."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from uuid import uuid4

from pydantic import TypeAdapter
from small_borough import NOW, entries_of

from agents.adapter.correction import correct
from agents.adapter.dossier import dossiers
from agents.adapter.edits import Numbered
from agents.adapter.ports import BY_NAME, Candidate, Found, Row
from agents.adapter.review import Desk
from agents.hub.checks import Asker, plan
from agents.hub.entries import case_entry
from broker.effect import Effect, Outgoing
from broker.publish import drain
from schemas.enums import Kind, Operation
from schemas.events import Contact
from schemas.identifiers import CategoryId, Slug, Thread
from schemas.records import Officer

CONTACT = TypeAdapter(Contact)
SCENES = {"s47": 0, "screening": 2, "intelligence": 9}
ED, INTELLIGENCE = CategoryId("acute.ed_attendances"), CategoryId("pol.intelligence")
SHAH = Officer(id="p.shah", role="named nurse", organisation="agency.trust")
COLE = Officer(id="r.cole", role="named doctor", organisation="agency.trust")
REASON = "the note is about another family's child, and was filed here by mistake"
HELD = Row(at=date(2026, 11, 1), fields=((Slug("diagnosis"), "Bruise to the left arm, said to be a fall"),), assertion="fact")
HELD_BY_POLICE = Row(at=date(2026, 11, 1), fields=((Slug("summary"), "Called by a neighbour"),), assertion="fact")
OTHER = Row(at=date(2026, 11, 2), fields=((Slug("diagnosis"), "Burn"), (Slug("disposal"), "Home")), assertion="fact")


class Known:
    """A source that knows some people and holds the same of each."""

    def __init__(self, *found, people=1, as_of=NOW, error=None):
        self.found, self.people, self.as_of, self.error, self.calls = found, people, as_of, error, []

    def candidates(self, subject):
        self.calls.append(subject.ref)
        if self.error is not None:
            raise self.error
        return Found(as_of=self.as_of, rows=tuple(self.person(subject, each) for each in range(self.people)), by=BY_NAME)

    def person(self, subject, number):
        return Candidate(
            key=f"KEY-{number}",
            family_name=subject.family_name,
            given_names=subject.given_names,
            born_on=subject.born_on,
            postcode=subject.addresses[0].postcode if subject.addresses else None,
            nhs_number=None,
            nhs_number_verified=False,
        )

    def fetch(self, person, category, since, until):
        self.calls.append((person.key, category))
        return Found(as_of=self.as_of, rows=self.found)

    def close(self):
        """Nothing is open."""


def desk_of(adapter):
    return Desk(adapter.party, adapter.settings, adapter.pack, adapter.sources)


def request_for(borough, adapter, scene, **changes):
    contact = CONTACT.validate_json((borough.folder / "contacts.jsonl").read_text().splitlines()[SCENES[scene]])
    hub = borough.hub
    asker = Asker(party=hub._me, settings=hub.settings, contact=hub.party.settings.contact)
    asked = plan(uuid4(), contact, contact.decision, hub.party.trust.party(adapter.party.id), asker, hub.pack, NOW).request
    return replace(asked, **changes)


def sent_by_hub(borough, body, kind, recipient, thread):
    hub = borough.hub
    entry = case_entry(NOW, Operation.disclosure, hub.party.actor, body.case_id, None, "asked")
    outgoing = Outgoing(kind=kind, recipient=recipient, thread=thread, case_id=body.case_id, body=body, entries=(entry,), keep=True)
    hub.party.store.apply([Effect(outgoing=(outgoing,))], hub.party.seal, borough.clock())
    drain(hub.party)
    return next(each.digest for each in hub.party.store.events(body.case_id) if each.body == body)


def work(adapter):
    while adapter.step():
        pass


def asked(borough, adapter, scene="screening", *, only=None, **changes):
    """The dossier of a request that the agency has worked on; `only`: one category."""
    request = request_for(borough, adapter, scene, **changes)
    if only is not None:
        request = replace(request, questions=tuple(each for each in request.questions if each.category == only))
    digest = sent_by_hub(borough, request, Kind.request, adapter.party.id, Thread(os.urandom(16)))
    work(adapter)
    return desk_of(adapter).dossier(request.case_id, digest)


def dossiers_of(adapter):
    """Every request that was ever kept, by opening every case."""
    store = adapter.party.store
    return [dossier for case_id in store.cases() for dossier in dossiers(store.events(case_id))]


def listed(adapter):
    """What `mash review list` tells of."""
    return {(each.dossier.kept.digest, each.key) for each in desk_of(adapter).queue()}


def waiting_anywhere(adapter):
    """The same, by opening every case."""
    return {(dossier.kept.digest, each.key) for dossier in dossiers_of(adapter) for each in dossier.waiting()}


def again(adapter, dossier):
    return desk_of(adapter).dossier(dossier.request.case_id, dossier.kept.digest)


def waits(adapter, dossier, category=ED, subject="s1"):
    return next(each for each in again(adapter, dossier).waiting() if each.key == (subject, category))


def answers(adapter, dossier):
    return {key: each.answer for key, each in again(adapter, dossier).said.items()}


def numbered(sight):
    return tuple(Numbered(number=number, item=item) for number, item in enumerate(sight.items, 1))


def about(party, dossier):
    return [each for each in entries_of(party) if each.case_id == dossier.request.case_id]


def take_back(adapter, dossier, reason, **options):
    """Correct a request's answers, as they stand."""
    desk, now = desk_of(adapter), again(adapter, dossier)
    return correct(desk, desk.asked(now.kept), now, reason, SHAH, **options)
