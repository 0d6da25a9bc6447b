"""`mash policy agreement`: make a sharing agreement by answering questions, and show one as people read it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from agents.cli.agreement_questions import Question, World
from agents.cli.agreement_sheet import agreement_page, agreement_sheet, sheet_lines
from agents.cli.interview import interview, read_given
from agents.cli.lawfiles import law_and_categories
from agents.cli.output import ERR, AsJson, Exit, guarded, plain, tell
from broker.directory import LARGE
from broker.party import utc_now
from broker.settings import Folder, read_text
from broker.trustfiles import load_trust, read_statement, write_whole
from policies.agreement_checks import whole_agreement
from policies.agreement_text import agreement_text
from policies.agreements import Agreement, digest_of_agreement
from schemas import codec
from schemas.enums import StatementKind
from schemas.errors import ConfigurationError, Fault, SharingError
from schemas.statements import Directory, Party

app = typer.Typer(no_args_is_help=True, help="Make a sharing agreement, and show one as people read it.")
SHOWN: Final = 12  # suggestions under a question; "?" shows all
Pack = Annotated[Path | None, typer.Option("--pack", help="A folder with law/NAME.toml, categories.toml or both; else the shipped ones.")]


@app.command()
@guarded
def new(
    out: Annotated[Path, typer.Argument(help="Where to write it, such as pack/agreements/borough-mash.toml; never written over.")],
    answers: Annotated[Path | None, typer.Option(help="A TOML file of answers: an agreement, with or without gaps.")] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(help="One answer, KEY=VALUE, with the keys of the file: version=1.0, terms.purpose=…, processing.0.joint=a,b"),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(help="directory.avro: its parties are suggested, with their kinds. Its signatures are not checked.")
    ] = None,
    pack: Pack = None,
    as_json: AsJson = False,
) -> None:
    """Ask what an agreement must say, and write it. Answers given are checked first; without a terminal all must be given.

    Example: mash policy agreement new borough-mash.toml --directory directory.avro
    Example: mash policy agreement new borough-mash.toml --answers last-year.toml --answer version=2.0 --answer review_by=2028-06-30
    """
    _refuse_existing(out)
    law, table = law_and_categories(pack, None)
    world = World(law=law.model, categories=table.model, parties=_parties(directory))
    given = read_given(answer or [], read_text(answers) if answers else None, str(answers))
    said = interview(world, given, _ask if on_terminal() else None)
    text = agreement_text(Agreement.model_validate(said))
    agreement = whole_agreement(text, str(out), law.model, table.model).model
    _write(out, text)
    digest = digest_of_agreement(text)
    facts = {"agreement": str(out), "id": agreement.id, "version": agreement.version, "digest": str(digest)}
    next_step = f"every party keeps this file as it is, and the officers sign it: mash directory draft --agreement {out}"
    tell(as_json, facts, [f"{agreement.id} {agreement.version} is in {out}", f"digest {digest}", next_step])


@app.command()
@guarded
def show(
    file: Annotated[Path, typer.Argument(help="The agreement's file.")],
    page: Annotated[Path | None, typer.Option(help="Write an HTML page that prints well to this file.")] = None,
    folder: Annotated[Path | None, typer.Option(help="A party's folder: its directory gives names, and says whether it is signed.")] = None,
    pack: Pack = None,
    as_json: AsJson = False,
) -> None:
    """An agreement as people read it: who takes part as what, what is shared, how long it is kept, the headings of the ICO code.

    Example: mash policy agreement show pack/agreements/borough-mash.toml --folder hub/ --page agreement.html
    """
    at = utc_now()
    law, table = law_and_categories(pack, None)
    text = read_text(file)
    agreement = whole_agreement(text, str(file), law.model, table.model).model
    believed = load_trust(Folder(folder), at).directory if folder is not None else None
    sheet = agreement_sheet(text, agreement, law.model, table.model, believed, at.date())
    if page is not None:
        write_whole(page, agreement_page(sheet, at.date()).encode())
    tell(as_json, sheet, sheet_lines(sheet))


def on_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty()


def _ask(question: Question, fault: str) -> str:
    """One question on the terminal; `?` shows every suggestion. Whoever goes away leaves no file behind."""
    shown = SHOWN
    while True:
        if fault:
            ERR.print(plain(f"  {fault}"), markup=False)
        ERR.print(f"\n{question.ask}{' (may be left empty)' if question.optional else ''}", markup=False)
        for name, meaning in list(question.known.items())[:shown]:
            ERR.print(plain(f"  {name}  {meaning}"), markup=False)
        if len(question.known) > shown:
            ERR.print(f"  … ? shows all {len(question.known)}", markup=False)
        if question.many:
            ERR.print("  Several are parted by commas; pol.* stands for all that begin so.", markup=False)
        try:
            said = input()
        except (EOFError, KeyboardInterrupt):
            ERR.print("not all is answered, so nothing is written", markup=False)
            raise typer.Exit(Exit.interrupted) from None
        if said.strip() != "?":
            return said
        shown, fault = len(question.known), ""


def _parties(directory: Path | None) -> tuple[Party, ...]:
    """Whom a directory lists, to be suggested; nothing is believed of it."""
    if directory is None:
        return ()
    statement = read_statement(directory)
    try:
        if statement.kind is StatementKind.directory:
            return codec.decode(Directory, statement.body, LARGE).parties
    except SharingError as error:
        raise ConfigurationError([Fault(file=str(directory), message=str(error))]) from None
    raise ConfigurationError(
        [Fault(file=str(directory), message=f"is a {statement.kind.value}, no directory", fix="name a directory.avro")]
    )


def _refuse_existing(out: Path) -> None:
    """What parties may have signed is never written over."""
    if out.exists():
        raise ConfigurationError([Fault(file=str(out), message="exists already", fix="name another file, or change this one by hand")])


def _write(out: Path, text: str) -> None:
    """Whole or not at all, and never in the place of another."""
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    write_whole(beside, text.encode())
    try:
        os.link(beside, out)
    except FileExistsError:
        _refuse_existing(out)
    finally:
        beside.unlink()
