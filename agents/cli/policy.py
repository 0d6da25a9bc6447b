"""`mash policy`: check a law and its categories, run scenarios against them, and explain what comes of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.cli import agreement, papers
from agents.cli.explain import IGO, explain_logged, explained, explained_lines
from agents.cli.lawfiles import law_and_categories, pack_files
from agents.cli.output import AsJson, Exit, guarded, shown, tell
from agents.cli.replay import replay
from agents.cli.sign import sign
from broker.settings import read_text
from policies.difference import Flip, ScenarioFlip, scenario_flips, space_flips
from policies.located import Located
from policies.pack import load_pack
from policies.reach import coverage, never_released, uncited, undocumented, unreachable, untried
from policies.scenario import Scenarios, read_scenarios, scenario_faults
from policies.scenario_run import Result, running
from policies.touched import Sides
from policies.vocabulary import Audience
from schemas.errors import ConfigurationError, Fault

app = typer.Typer(no_args_is_help=True, help="Check the law pack, run scenarios against it, explain a decision.")
app.add_typer(agreement.app, name="agreement")
Folder = Annotated[Path | None, typer.Option("--pack", help="A folder with law/NAME.toml, categories.toml or both; else the shipped ones.")]
Files = Annotated[list[Path] | None, typer.Argument(help="Scenario files, .toml or .jsonl; without them the shipped ones.")]
OwnCategories = Annotated[Path | None, typer.Option("--categories", help="A category table of one's own, for this run.")]
app.command()(papers.draft)
app.command()(replay)
app.command()(sign)


@app.command()
@guarded
def check(
    folder: Annotated[Path | None, typer.Argument(help="A pack folder; without it the shipped law.")] = None, as_json: AsJson = False
) -> None:
    """Every fault of every file at once (exit 3); then rules no question reaches, categories nothing releases, documents missing (exit 1).

    Example: mash policy check police/pack
    """
    pack = load_pack(pack_files(folder))
    found = {
        "unreachable_rules": unreachable(pack.law, pack.categories),
        "categories_never_released": never_released(pack.law, pack.categories),
        "policy_documents_missing": undocumented(pack),
    }
    unnamed = uncited(pack.law)
    facts = {name: list(ids) for name, ids in found.items()} | {"enactment_to_be_named": list(unnamed), "law_digest": str(pack.law_digest)}
    lines = [f"{name.replace('_', ' ')}: {each}" for name, ids in found.items() for each in ids]
    lines += [f"agreement {name} has digest {digest}" for name, digest in pack.agreement_digests.items()]
    lines += [f"a lawyer must name the enactment of {each}" for each in unnamed]
    whole = f"{len(pack.law.rules)} rules, {len(pack.categories.categories)} categories, {len(pack.agreements)} agreements: no fault"
    agreed = {"agreements": {name: str(digest) for name, digest in pack.agreement_digests.items()}}
    tell(as_json, facts | agreed, [*lines, f"{whole}; law {pack.law_digest}"])
    if any(found.values()):
        raise typer.Exit(Exit.no)


@app.command("test")
@guarded
def run_scenarios(files: Files = None, pack: Folder = None, categories: OwnCategories = None, as_json: AsJson = False) -> None:
    """Run scenarios and say where one comes out otherwise than it expects (exit 1).

    Example: mash policy test our-matrix.jsonl --categories our-categories.toml
    """
    results = _results(files, pack, categories)
    wrong = [each for each in results if each.wrong]
    facts = {"scenarios": len(results), "wrong": [{"scenario": each.scenario.id, "says": list(each.wrong)} for each in wrong]}
    lines = [f"{each.scenario.id}: {said}" for each in wrong for said in each.wrong]
    tell(as_json, facts, [*lines, f"{len(results)} scenarios, {len(wrong)} come out otherwise"])
    if wrong:
        raise typer.Exit(Exit.no)


@app.command("coverage")
@guarded
def show_coverage(files: Files = None, pack: Folder = None, categories: OwnCategories = None, as_json: AsJson = False) -> None:
    """Every rule with the scenarios that meet it and those in which it must not be met; exit 1 where one way is untried.

    Example: mash policy coverage
    """
    results = _results(files, pack, categories)
    covered = coverage(results[0].decision.pack.law, results)
    gaps = list(untried(covered))
    facts = {
        "rules": {rule: {"met": list(found.met), "never": list(found.never)} for rule, found in covered.items()},
        "untried": [{"rule": rule, "way": way} for rule, way in gaps],
    }
    lines = [f"{rule:32} met in {len(found.met):3}, not met in {len(found.never):3}" for rule, found in covered.items()]
    tell(as_json, facts, [*lines, *(f"untried: {rule} is {way}" for rule, way in gaps), f"{len(covered)} rules, {len(gaps)} ways untried"])
    if gaps:
        raise typer.Exit(Exit.no)


@app.command()
@guarded
def explain(
    scenario: Annotated[str, typer.Argument(metavar="ID", help="The id of a scenario; with --party, that of a logged decision.")],
    files: Annotated[list[Path] | None, typer.Option("--from", help="Scenario files; without them the shipped ones.")] = None,
    voice: Annotated[Audience, typer.Option(help="Who reads it.")] = Audience.reviewer,
    pack: Folder = None,
    categories: OwnCategories = None,
    party: Annotated[Path | None, typer.Option(help="A party's folder: explain a decision of its access log.")] = None,
    viewer: Annotated[str | None, typer.Option("--as", help="Your staff id, with --party: looking is an entry.")] = None,
    role: Annotated[str, typer.Option(help="Your role.")] = IGO,
    as_json: AsJson = False,
) -> None:
    """The ladder of a scenario or of a logged decision, its caps and its near misses, as one reader is told them.

    Example: mash policy explain s47-9.binds.nhs_body --voice requester

    mash policy explain 3f0c12ab --party police/ --as i.officer --voice holder
    """
    if party is not None:
        if files or pack or categories:
            message = "is for scenarios: a logged decision is explained by the pack that made it"
            raise ConfigurationError([Fault(file="--from, --pack or --categories", message=message, fix="leave it off")])
        explain_logged(party, scenario, viewer, role, voice, as_json=as_json)
        return
    law, table = law_and_categories(pack, categories)
    known = {str(each.id): each for file in _read(files) for each in file.model.scenarios}
    if scenario not in known:
        raise ConfigurationError([Fault(file="scenarios", message="no scenario has that id", fix="mash policy coverage --json lists them")])
    result = running(law.model, table.model)(known[scenario])
    facts = {"scenario": result.scenario.id} | explained(result.decision, voice) | {"wrong": list(result.wrong)}
    lines = [f"{result.scenario.id}: {result.scenario.says} ({result.scenario.source})", *explained_lines(facts)]
    tell(as_json, facts, [*lines, *(f"otherwise than expected: {each}" for each in result.wrong)])


@app.command()
@guarded
def diff(
    old: Annotated[str, typer.Argument(help="A pack folder, or the word shipped.")],
    new: Annotated[str, typer.Argument(help="A pack folder, or the word shipped.")],
    files: Annotated[list[Path] | None, typer.Option("--scenarios", help="Scenario files; without them the shipped ones.")] = None,
    as_json: AsJson = False,
) -> None:
    """Which decisions flip: over the scenarios, and over every category, stage, role and single fact. Exit 1 where any does.

    Tried on 24 November 2026 and on each later day on which a changed rule begins or ends; only what a change may touch is decided.

    Example: mash policy diff shipped draft
    """
    before, after = _side(old), _side(new)
    found = _read(files)
    faults = list(scenario_faults(found, before.law, before.categories))
    if faults:
        raise ConfigurationError(faults)
    scenarios = list(scenario_flips((each for file in found for each in file.model.scenarios), before, after))
    flips = space_flips(before, after, walk=lambda steps: shown(steps, "deciding every question by both laws"))
    facts = {"scenarios": [_scenario_flip(each) for each in scenarios], "space": [_flip(each) for each in flips]}
    tell(
        as_json,
        facts,
        [*_flip_lines(facts), f"{len(scenarios)} scenarios and {sum(each.count for each in flips)} enumerated questions flip"],
    )
    if scenarios or flips:
        raise typer.Exit(Exit.no)


def _side(name: str) -> Sides:
    law, table = law_and_categories(Path(name), None)
    return Sides(law=law.model, categories=table.model)


def _scenario_flip(each: ScenarioFlip) -> dict[str, Any]:
    rules = {"lost": list(each.lost), "won": list(each.won)}
    return {"scenario": each.scenario, "before": each.before.value, "after": each.after.value} | rules


def _flip(each: Flip) -> dict[str, Any]:
    example = each.example
    return {
        "category": each.category,
        "disclosure": each.disclosure.value,
        "discloser": each.discloser.value,
        "stage": each.stage.value,
        "before": each.before.value,
        "after": each.after.value,
        "count": each.count,
        "on": each.on.isoformat(),
        "example": {
            "recipient": example.recipient_kind.value,
            "purpose": example.purpose.value,
            "role": example.role.value,
            "facts": sorted(fact.value for fact in example.facts),
        },
    }


def _flip_lines(facts: dict[str, Any]) -> Iterator[str]:
    for each in facts["scenarios"]:
        rules = "".join(f" -{rule}" for rule in each["lost"]) + "".join(f" +{rule}" for rule in each["won"])
        yield f"scenario {each['scenario']}: {each['before']} -> {each['after']}{rules}"
    for each in facts["space"]:
        said = f"{each['disclosure']} of {each['category']} by {each['discloser']} at {each['stage']}"
        yield f"{said}: {each['before']} -> {each['after']} in {each['count']}, first tried on {each['on']}"


def _results(files: Sequence[Path] | None, pack: Path | None, categories: Path | None) -> list[Result]:
    """All scenarios run; faults of all their files at once."""
    law, table = law_and_categories(pack, categories)
    found = _read(files)
    faults = list(scenario_faults(found, law.model, table.model))
    if faults:
        raise ConfigurationError(faults)
    return [*map(running(law.model, table.model), (each for file in found for each in file.model.scenarios))]


def _read(files: Sequence[Path] | None) -> list[Located[Scenarios]]:
    texts = {str(path): read_text(path) for path in files} if files else _shipped_scenarios()
    found: list[Located[Scenarios]] = []
    faults: list[Fault] = []
    for name, text in texts.items():
        try:
            found.append(read_scenarios(text, name))
        except ConfigurationError as error:
            faults.extend(error.faults)
    if faults:
        raise ConfigurationError(faults)
    return found


def _shipped_scenarios() -> dict[str, str]:
    folder = resources("policies").joinpath("scenarios")
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".toml")), key=lambda each: each.name)
    return {each.name: each.read_text(encoding="utf-8") for each in found}
