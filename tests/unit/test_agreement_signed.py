"""An agreement is signed by its digest in the directory: one that is not listed there covers nothing, and somebody is told."""

from __future__ import annotations

import json
from importlib.resources import files as resources

import pytest
from small_borough import NOW, SmallBorough, alarms, contact_of
from typer.testing import CliRunner

from agents.adapter.answer import Decided
from agents.cli.app import app
from agents.cli.run import tell_unsigned
from agents.demo.agreement import PLACE
from broker.packfiles import read_pack, signed_pack
from broker.packsigning import sign_pack
from broker.settings import Folder
from policies.agreements import digest_of_agreement
from policies.vocabulary import Alert
from schemas.enums import Layer, Outcome, Status
from schemas.identifiers import Digest
from schemas.statements import AgreementListing

STRANGE = AgreementListing(id="borough-mash", digest=Digest(bytes(32)))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("borough")
    SmallBorough(folder).close()
    return folder


@pytest.fixture
def borough(made, tmp_path):
    borough = SmallBorough(tmp_path, like=made)
    yield borough
    borough.close()


def mash(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def statuses(borough):
    borough.take_in()
    borough.work()
    records = [borough.hub.record(each) for each in borough.hub.party.store.cases()]
    return [each.answer.status for record in records for each in record.answers]


def test_the_demos_directory_lists_the_agreement_that_every_member_keeps(borough):
    digest = digest_of_agreement((borough.folder / "hub" / PLACE).read_text(encoding="utf-8"))
    for service in (borough.hub, *borough.adapters):
        assert service.party.trust.directory.agreements == (AgreementListing(id="borough-mash", digest=digest),)
        assert service.pack.unsigned == ()
    assert Status.released in statuses(borough)


@pytest.mark.parametrize("listed", [(), (STRANGE,)], ids=["none", "another text"])
def test_from_the_directory_that_does_not_list_it_on_an_agreement_covers_nothing_without_a_restart(borough, listed):
    for service in (borough.hub, *borough.adapters):
        assert service.pack.unsigned == ()
    borough.tell(borough.next_directory(agreements=listed))
    borough.work()
    for service in (borough.hub, *borough.adapters):
        assert service.pack.unsigned == ("borough-mash",)
        assert service.pack.compiled.agreements == {}
        assert alarms(service.party)["agreement_unsigned"] == 1


def test_what_an_agency_would_release_a_person_decides_once_the_agreement_is_not_listed(borough):
    borough.take_in()
    borough.work(borough.hub)
    borough.tell(borough.next_directory(agreements=()))
    borough.work()
    answered = {
        case_id: {each.answer.status for each in borough.hub.record(case_id).answers} for case_id in borough.hub.party.store.cases()
    }
    usual = [said for case_id, said in answered.items() if said and not contact_of(borough.hub, case_id).decision.break_glass]
    assert len(usual) > 3
    for said in usual:  # broken glass would waive the agreement
        assert not said & {Status.released, Status.none_held}


def test_the_hub_asks_nobody_without_a_signed_agreement_but_where_glass_is_broken(borough):
    borough.tell(borough.next_directory(agreements=()))
    borough.work()
    borough.take_in()
    borough.work(borough.hub)
    cases = borough.hub.party.store.cases()
    asked = {case_id: len(borough.hub.record(case_id).agencies) for case_id in cases}
    glass = {case_id: contact_of(borough.hub, case_id).decision.break_glass for case_id in cases}
    assert {bool(count) for count in asked.values()} == {True, False}
    assert all(glass[case_id] for case_id, count in asked.items() if count)


def test_a_directory_that_lists_it_again_makes_it_hold_again(borough):
    held = borough.hub.party.trust.directory.agreements
    borough.tell(borough.next_directory(agreements=()))
    borough.work()
    borough.tell(borough.next_directory(agreements=held))
    borough.work()
    for service in (borough.hub, *borough.adapters):
        assert service.pack.unsigned == ()
    assert Status.released in statuses(borough)


def test_a_process_tells_of_it_when_it_starts_and_names_the_digest(borough, capsys):
    borough.hub.pack = borough.hub.pack.signed(frozenset())
    tell_unsigned(borough.hub)
    assert alarms(borough.hub.party)["agreement_unsigned"] == 1
    assert str(borough.hub.pack.agreement_digests["borough-mash"]) in capsys.readouterr().out


def test_one_letter_more_is_another_agreement(borough):
    file = borough.folder / "police" / PLACE
    file.write_text(file.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    pack = read_pack(borough.folder / "police")
    assert signed_pack(pack, borough.hub.party.trust.directory).unsigned == ("borough-mash",)


def test_an_unsigned_agreement_still_says_who_holds_what_so_that_nobody_is_asked_more_for_it(borough):
    pack = borough.hub.pack
    unsigned = pack.signed(frozenset())
    pairs = [(party, category.id) for party in unsigned.agreements[0].parties for category in pack.categories.categories]
    assert [unsigned.may_ask(*each) for each in pairs] == [pack.may_ask(*each) for each in pairs]
    assert not all(unsigned.may_ask(*each) for each in pairs)


def test_the_alert_of_a_missing_agreement_is_that_of_an_unsigned_one(borough):
    borough.take_in()
    borough.work(borough.hub)
    borough.tell(borough.next_directory(agreements=()))
    borough.work(borough.police, borough.trust)
    decided = [each for adapter in borough.adapters for each in decisions(adapter)]
    assert decided
    for each in decided:
        short = Layer.agreement in {answer.layer for answer in each.decision.failed}
        if short and each.decision.outcome is Outcome.review:
            assert Alert.agreement_missing in each.decision.alerts


def decisions(adapter) -> list[Decided]:
    found = []
    for case_id in adapter.party.store.cases():
        for kept in adapter.party.store.events(case_id):
            if (asked := adapter.asked(kept)) is not None:
                found += [adapter.decide(asked, each, adapter.party.now()) for each in asked.request.questions]
    return found


# -------------------------------------------------------------------------------------------------- doctor, directory


def doctor(folder):
    told = json.loads(mash("doctor", folder, "--json").stdout)
    return next(each for each in told["findings"] if each["what"] == "agreements")


def test_the_doctor_names_each_agreement_signed_or_not_and_the_cure(made, tmp_path):
    borough = SmallBorough(tmp_path, like=made)
    assert doctor(tmp_path / "police") == {"what": "agreements", "ok": True, "says": "signed: borough-mash demo"}
    file = tmp_path / "police" / PLACE
    file.write_text(file.read_text(encoding="utf-8").replace('version = "demo"', 'version = "mine"'), encoding="utf-8")
    found = doctor(tmp_path / "police")
    assert not found["ok"]
    assert str(digest_of_agreement(file.read_text(encoding="utf-8"))) in found["says"]
    assert "mash directory draft --agreement" in found["says"]
    file.unlink()
    assert doctor(tmp_path / "police")["says"].startswith("none: ")
    borough.close()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [("until = 2028", "until = 2025", "not in force today"), ("review_by = 2027", "review_by = 2025", "its review is due")],
)
def test_the_doctor_says_when_a_signed_agreement_has_ended_or_is_due_for_review(made, tmp_path, old, new, says, monkeypatch):
    borough = SmallBorough(tmp_path, like=made)
    for name in ("hub", "police", "trust"):
        file = tmp_path / name / PLACE
        text = file.read_text(encoding="utf-8").replace("from = 2026", "from = 2024").replace(old, new)
        file.write_text(text, encoding="utf-8")
        sign_pack(Folder(tmp_path / name), read_pack(tmp_path / name), NOW)
    listing = AgreementListing(id="borough-mash", digest=digest_of_agreement(text))
    borough.tell(borough.next_directory(agreements=(listing,)))
    borough.work()
    assert says in doctor(tmp_path / "police")["says"]
    borough.close()


@pytest.fixture
def office(made, tmp_path):
    """The officers' folder of the borough, with the agreement to list next."""
    borough = SmallBorough(tmp_path, like=made)
    borough.close()
    (tmp_path / "mine.toml").write_text(resources("policies").joinpath("agreements/example.toml").read_text(encoding="utf-8"))
    return tmp_path


def draft(office, *words, code=0):
    old = ("--previous", office / "hub/directory.avro", "--root", office / "hub/root.toml", "--out", office / "next.avro")
    done = mash("directory", "draft", *old, *words, "--json")
    assert done.exit_code == code, done.stderr
    return json.loads(done.stdout if code == 0 else done.stderr)


def test_officers_list_an_agreement_by_its_file_in_the_place_of_the_one_of_its_id(office):
    held = read_pack(office / "hub").agreement_digests
    assert draft(office)["agreements"] == {"borough-mash": str(held["borough-mash"])}
    (office / "next.avro").unlink()
    said = draft(office, "--agreement", office / "mine.toml")
    assert said["agreements"] == {"borough-mash": str(digest_of_agreement((office / "mine.toml").read_text()))}
    for officer in ("anne", "ben"):
        assert mash("directory", "sign", office / "next.avro", "--officer", office / "office" / officer).exit_code == 0
    told = mash("directory", "check", office / "next.avro", "--root", office / "hub/root.toml")
    assert f"agreement borough-mash, digest {said['agreements']['borough-mash']}" in told.stdout


def test_officers_list_an_agreement_by_the_digest_they_were_told_and_end_another(office):
    said = draft(office, "--agreement", f"borough-2027={'ab' * 32}", "--end-agreement", "borough-mash")
    assert said["agreements"] == {"borough-2027": "ab" * 32}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--agreement", "borough=12"], "must be 32 bytes"),
        (["--agreement", f"Borough!={'ab' * 32}"], "Slug must be"),
        (["--agreement", "nowhere.toml"], "is missing"),
        (["--end-agreement", "another"], "another is not listed"),
    ],
)
def test_an_agreement_that_cannot_be_listed_or_ended_is_refused(office, words, message):
    assert message in draft(office, *words, code=3)["error"]["message"]
    assert not (office / "next.avro").exists()


def test_an_agreement_that_contradicts_itself_is_not_listed(office):
    text = (office / "mine.toml").read_text().replace('arrangement = "', 'says_nothing = "')
    (office / "mine.toml").write_text(text)
    faults = draft(office, "--agreement", office / "mine.toml", code=3)["error"]["faults"]
    assert [each["file"] for each in faults] == [str(office / "mine.toml")]
