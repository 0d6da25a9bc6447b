"""`mash review`: what waits for a person at an agency, what would leave, and their decision."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from agents.adapter.choice import Choice, Form
from agents.adapter.correction import FOR_A_PERSON
from agents.adapter.correction import correct as take_back
from agents.adapter.dossier import Waiting
from agents.adapter.edits import Draft, Numbered
from agents.adapter.review import Desk, Stopped
from agents.cli.choices import Mistaken
from agents.cli.compose import officer_of
from agents.cli.glass import close, glass_json, glass_line, opened_desk, said_request
from agents.cli.output import ERR, AsJson, Exit, guarded, plain, tell
from agents.cli.sight import sight_json, sight_lines, waiting_json, waiting_line
from agents.hub.intake import faults_of
from broker.settings import read_bytes
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import CategoryId, Slug, SubjectRef
from schemas.records import Officer

app = typer.Typer(no_args_is_help=True, help="Decide what waits for a person at an agency.")
Home = Annotated[Path, typer.Option("--folder", help="The agency's folder.")]
Request = Annotated[str, typer.Argument(help="The request, as `mash review list` names it.")]
About = Annotated[str, typer.Argument(help="The subject, such as s1.")]
What = Annotated[str, typer.Argument(help="The category, such as pol.intelligence.")]
As = Annotated[str, typer.Option("--as", help="Your staff id: what you see and decide is entered in the access log.")]
Role = Annotated[str, typer.Option(help="Your role.")]
Person = Annotated[
    list[int] | None,
    typer.Option("--person", min=1, help="Who is meant, by the number shown, when it is not sure: one of each source. Repeatable."),
]
Nothing = Annotated[
    list[str] | None,
    typer.Option("--nothing", help="A source that holds nothing of who is meant: you looked, or it is none shown. Repeatable."),
]
Read = Annotated[
    list[Path] | None,
    typer.Option("--form", help="What you read in a source that only a person may read, as show --json asks. Repeatable."),
]
Words = Annotated[str | None, typer.Option("--interpretation", help="What it means, in your profession's words.")]
States = Annotated[
    list[str] | None, typer.Option("--states", help="What you know of this question, such as court_order; it is decided with. Repeatable.")
]
Grounds = Annotated[str | None, typer.Option("--grounds", help="How you know it, in a sentence; it is kept here and not sent.")]
REVIEWER = "reviewer"


app.command()(close)


@app.command("list")
@guarded
def queue(folder: Home = Path(), as_json: AsJson = False) -> None:
    """What waits for a person, the most pressing first, and answers behind broken glass at which nobody has looked. Nothing is fetched.

    Example: mash review list --folder police/
    """
    with opened_desk(folder) as desk:
        found, glass, at = [(each, desk.why(each)) for each in desk.queue()], desk.glass(), desk.party.now()
    facts = {"waiting": [waiting_json(*each) for each in found], "glass": [glass_json(each, at) for each in glass]}
    lines = [*(waiting_line(*each) for each in found), *(glass_line(each, at) for each in glass)]
    tell(as_json, facts, lines or ["nothing waits for a person"])


@app.command()
@guarded
def show(
    request: Request,
    subject: About,
    category: What,
    viewer: As,
    role: Role = REVIEWER,
    person: Person = None,
    nothing: Nothing = None,
    form: Read = None,
    states: States = None,
    grounds: Grounds = None,
    folder: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """The request, its ladder, and what would leave, fetched now; every look is an entry.

    Example: mash review show 3f0c12ab s1 pol.incidents --as p.shah --folder police/

    When it is not sure who is meant, of two sources: mash review show 3f0c12ab s1 pol.incidents --as p.shah --person 2 --nothing archive

    With what you read where only a person may: mash review show 3f0c12ab s1 pol.intelligence --as p.shah --form read.json
    """
    choice = _choice(person, nothing, form)
    with opened_desk(folder, states, grounds) as desk:
        sight = desk.show(_waiting(desk, request, subject, category), _officer(desk, viewer, role), choice)
        why = desk.why(sight.waiting)
        tell(as_json, sight_json(sight, why), [*sight_lines(sight, why), "", "This view is in the access log (unwitnessed)."])


@app.command()
@guarded
def release(
    request: Request,
    subject: About,
    category: What,
    viewer: As,
    role: Role = REVIEWER,
    person: Person = None,
    nothing: Nothing = None,
    form: Read = None,
    states: States = None,
    grounds: Grounds = None,
    interpretation: Words = None,
    folder: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Release what you were shown. If it changed since, the new is shown and nothing leaves (exit 1).

    What the ladder refused may be opened by what you know: `--states court_order --grounds "…"`, with show first.

    Example: mash review release 3f0c12ab s1 pol.incidents --as p.shah --folder police/

    With the same words as when you looked: mash review release 3f0c12ab s1 pol.incidents --as p.shah --person 2 --nothing archive

    Or, with what you read: mash review release 3f0c12ab s1 pol.intelligence --as p.shah --form read.json
    """
    choice = _choice(person, nothing, form)
    with opened_desk(folder, states, grounds) as desk:
        waiting, officer = _waiting(desk, request, subject, category), _officer(desk, viewer, role)
        stopped = desk.release(waiting, officer, choice=choice, interpretation=interpretation)
        _tell_done(desk, stopped, "released", as_json=as_json)


@app.command()
@guarded
def edit(
    request: Request,
    subject: About,
    category: What,
    file: Annotated[Path, typer.Argument(help="What `show --json` gave, cut down and marked.")],
    viewer: As,
    role: Role = REVIEWER,
    person: Person = None,
    nothing: Nothing = None,
    form: Read = None,
    states: States = None,
    grounds: Grounds = None,
    interpretation: Words = None,
    folder: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Release less than you were shown: items or fields taken away, words replaced by "[cut]", assertions and marks set.

    Example: mash review edit 3f0c12ab s1 pol.incidents cut.json --as p.shah --folder police/
    """
    draft, choice = _draft(file), _choice(person, nothing, form)
    with opened_desk(folder, states, grounds) as desk:
        waiting, officer = _waiting(desk, request, subject, category), _officer(desk, viewer, role)
        stopped = desk.release(waiting, officer, choice=choice, draft=draft, file=str(file), interpretation=interpretation)
        _tell_done(desk, stopped, "released as edited", as_json=as_json)


@app.command()
@guarded
def withhold(
    request: Request,
    subject: About,
    category: What,
    viewer: As,
    reason: Annotated[str, typer.Option(help="Why, in a sentence about this case; it is kept here and not sent.")],
    role: Role = REVIEWER,
    states: States = None,
    grounds: Grounds = None,
    folder: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Release nothing; the hub is told whom to ring, and not whether anything is held.

    Example: mash review withhold 3f0c12ab s1 pol.incidents --as p.shah --reason "…" --folder police/
    """
    with opened_desk(folder, states, grounds) as desk:
        waiting, officer = _waiting(desk, request, subject, category), _officer(desk, viewer, role)
        _tell_done(desk, desk.withhold(waiting, officer, reason), "withheld", as_json=as_json)


@app.command()
@guarded
def correct(
    request: Request,
    reason: Annotated[Mistaken, typer.Option(help="Why it is not to be relied on.")],
    viewer: As,
    role: Role = REVIEWER,
    subject: Annotated[list[str] | None, typer.Option("--subject", help="Only about whom a person decides anew; else all.")] = None,
    silent: Annotated[bool, typer.Option("--silent", help="Answer nothing afresh.")] = False,
    folder: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Take back all that was answered to a request; it is hidden at the hub, erased here, and answered afresh.

    Example: mash review correct 3f0c12ab --reason wrong_person --as p.shah --folder police/
    """
    if subject and (silent or reason not in FOR_A_PERSON):
        message = "says about whom a person decides anew, and here nobody does"
        raise ConfigurationError([Fault(file="--subject", message=message, fix="leave it off, or give another --reason")])
    with opened_desk(folder) as desk:
        found = desk.named(request)
        asked = desk.asked(found[0].kept) if len(found) == 1 else None
        if asked is None or not found[0].responses:
            message = "names no one request that was answered here, or its hub is no longer listed"
            raise ConfigurationError([Fault(file=said_request(request), message=message, fix="give more of its name")])
        about = frozenset(SubjectRef(each) for each in subject) if subject else None
        if about is not None and not about <= {each.ref for each in asked.request.subjects}:
            raise ConfigurationError([Fault(file="--subject", message="is nobody of this request", fix="such as s1")])
        officer = _officer(desk, viewer, role)
        if not take_back(desk, asked, found[0], reason, officer, about=about, silent=silent):
            _refuse(as_json, "somebody answered a moment ago: try again", {}, [])
    tell(
        as_json, {"corrected": str(asked.digest), "reason": reason.value}, "taken back; mash adapter run sends it and erases our own copies"
    )


def _waiting(desk: Desk, request: str, subject: str, category: str) -> Waiting:
    wanted = (SubjectRef(subject), CategoryId(category)) if _well_formed(subject, category) else None
    opened = bool(desk.stated.facts)  # what the ladder refused may come out otherwise with what the officer knows
    found = [each for dossier in desk.named(request) for each in dossier.waiting(withheld=opened) if each.key == wanted]
    if len(found) != 1:
        raise ConfigurationError(
            [Fault(file=said_request(request), message="no such question waits here for a person", fix="mash review list")]
        )
    return found[0]


def _well_formed(subject: str, category: str) -> bool:
    try:
        SubjectRef(subject), CategoryId(category)
    except ValueError:
        return False
    return True


def _officer(desk: Desk, viewer: str, role: str) -> Officer:
    return officer_of(viewer, role, desk.party.id)


def _draft(file: Path) -> tuple[Numbered, ...]:
    try:
        return Draft.model_validate_json(read_bytes(file, "write `mash review show … --json` to it, and cut it down"), strict=True).items
    except ValidationError as error:
        raise ConfigurationError(faults_of(error, str(file))) from None


def _choice(people: list[int] | None, nothing: list[str] | None, forms: list[Path] | None) -> Choice:
    """What was said of the sources; a name that no source can have is told like one that no source has."""
    if not all(map(Slug.accepts, nothing or ())):
        raise ConfigurationError([Fault(file="--nothing", message="names no source", fix="look at those shown")])
    return Choice(people=tuple(people or ()), nothing=frozenset(map(Slug, nothing or ())), forms=tuple(map(_form, forms or ())))


def _form(file: Path) -> Form:
    try:
        return Form.model_validate_json(read_bytes(file, "write the form that `mash review show … --json` gives to it"), strict=True)
    except ValidationError as error:
        raise ConfigurationError(faults_of(error, str(file))) from None


def _tell_done(desk: Desk, stopped: Stopped | None, done: str, *, as_json: bool) -> None:
    if stopped is None:
        tell(as_json, {"done": done}, f"{done}; mash adapter run sends it")
        return
    facts: dict[str, Any] = {"hindrance": stopped.why.name}
    lines: list[str] = []
    if (sight := stopped.sight) is not None:
        why = desk.why(sight.waiting)
        facts, lines = facts | sight_json(sight, why), sight_lines(sight, why)
    _refuse(as_json, stopped.why.value, facts, lines)


def _refuse(as_json: bool, why: str, facts: dict[str, Any], lines: list[str]) -> None:
    """Nothing left: exit 1."""
    tell(as_json, {"done": None, "not_done": why} | facts, lines)
    ERR.print(plain(f"not done: {why}"), markup=False)
    raise typer.Exit(Exit.no)
