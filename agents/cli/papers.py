"""`mash policy draft`: papers put together from pack, agreements and directory, always drafts, with every gap named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agents.cli.output import AsJson, guarded, tell
from agents.cli.papertext import as_object, markdown, page
from broker.directory import open_directory, parse_root
from broker.packfiles import own_texts
from broker.settings import read_text
from broker.trustfiles import read_statement, write_whole
from policies.located import parse
from policies.pack import CONTROLLER, Pack, laid_over, load_pack, shipped
from policies.papers.document import Document, Paper
from policies.papers.draft import draft as drafted
from policies.papers.material import Material
from policies.papers.prose import PaperProse, name_of, shipped_prose
from policies.papers.statements import NOTHING_SAID, Statements
from schemas.errors import ConfigurationError, Fault, SharingError
from schemas.statements import Directory


class Asked(StrEnum):
    """The papers by the names that people call them."""

    dpia = "dpia"
    ropa = "ropa"
    privacy_notice = "privacy-notice"
    apd = "apd"
    article26 = "article26"


@guarded
def draft(
    paper: Annotated[Asked, typer.Argument(help="Impact assessment, record of processing, notice, policy document, joint arrangement.")],
    folder: Annotated[Path, typer.Option("--pack", help="The controller's pack: its controller.toml and agreements/.")],
    papers: Annotated[Path | None, typer.Option("--papers", help="papers.toml: what the controller says for its papers only.")] = None,
    directory: Annotated[Path | None, typer.Option(help="The directory: names, kinds, which agreements are signed; needs --root.")] = None,
    root: Annotated[Path | None, typer.Option(help="The network's pinned root.toml, by which the directory is checked.")] = None,
    child: Annotated[bool, typer.Option("--child", help="The privacy notice in words that a child can read.")] = False,
    prose: Annotated[Path | None, typer.Option(help="A prose file edited by a lawyer, in place of the one that comes along.")] = None,
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day whose law is meant; today (UTC) without it.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the Markdown to this new file.")] = None,
    printed: Annotated[Path | None, typer.Option("--page", help="Write an HTML page that prints well to this new file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draft a paper from what pack, agreements and directory already say; what nobody has said is listed first and marked in its place.

    Example: mash policy draft ropa --pack trust/pack --papers trust/papers.toml --page ropa.html
    """
    faults = list(_misuses(paper, child=child, alone=(directory is None) != (root is None), new=(out, printed)))
    if faults:
        raise ConfigurationError(faults)
    pack = _pack(folder)
    material = Material(
        pack=pack,
        statements=NOTHING_SAID if papers is None else parse(read_text(papers), str(papers), Statements),
        directory=_directory(directory, root),
        on=on.date() if on is not None else datetime.now(UTC).date(),
    )
    document = _document(Paper.child_notice if child else Paper(paper.value), prose, material)
    if out is not None:
        write_whole(out, markdown(document).encode())
    if printed is not None:
        write_whole(printed, page(document).encode())
    written = [str(path) for path in (out, printed) if path is not None]
    gaps = len(document.gaps)
    lines = f"a draft is in {' and '.join(written)}; it names {gaps} gap{'s' if gaps != 1 else ''}" if written else markdown(document)
    tell(as_json, as_object(document) | {"written": written}, lines)


def _misuses(paper: Asked, *, child: bool, alone: bool, new: Iterable[Path | None]) -> Iterator[Fault]:
    """What is wrong with the words of the command themselves."""
    if child and paper is not Asked.privacy_notice:
        yield Fault(file="--child", message=f"is not for {paper.value}: no child reads it", fix="mash policy draft privacy-notice --child")
    if alone:
        yield Fault(file="--directory", message="is believed only by its root, and a root is of no use alone", fix="give --root as well")
    for path in new:
        if path is not None and path.exists():
            yield Fault(file=str(path), message="exists already", fix="name a new file")


def _pack(folder: Path) -> Pack:
    """A controller's pack, with the shipped law and categories where it has none of its own."""
    own = own_texts(folder)
    if CONTROLLER not in own:
        fix = "give a pack folder; the papers are those of the controller that it names"
        raise ConfigurationError([Fault(file=str(folder / CONTROLLER), message="is missing", fix=fix)])
    return load_pack(laid_over(shipped(), own))


def _directory(path: Path | None, root: Path | None) -> Directory | None:
    """The directory as every party checks it, or a refusal to draft from one that is not to be believed."""
    if path is None or root is None:
        return None
    pinned = parse_root(read_text(root), str(root))
    try:
        return open_directory(pinned, read_statement(path), datetime.now(UTC))
    except ConfigurationError:
        raise
    except SharingError as error:
        raise ConfigurationError([Fault(file=str(path), message=str(error), fix="fetch the newest directory")]) from None


def _document(paper: Paper, prose: Path | None, material: Material) -> Document:
    text, name = (read_text(prose), str(prose)) if prose is not None else (shipped_prose(paper), name_of(paper))
    return drafted(paper, parse(text, name, PaperProse), material)
