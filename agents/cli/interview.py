"""Answers given beforehand are checked first, all at once; what is missing is asked for, each answer checked as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from pydantic import RootModel, ValidationError

from agents.cli.agreement_questions import Draft, Question, World, questions
from policies.agreements import Agreement
from policies.lines import Path
from policies.located import read
from schemas.errors import ConfigurationError, Fault

OPTION = "--answer"
Ask = Callable[[Question, str], str]  # the question, and what was wrong with the answer before: the answer as it was typed
TOPS = {each.alias or name for name, each in Agreement.model_fields.items()}


class WrongAnswerError(ValueError):
    """What is wrong with one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Answers that came beforehand: by option, else from a file that is an agreement with gaps."""

    options: Mapping[str, str] = field(default_factory=dict)
    file: str = OPTION
    tree: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[Path, int] = field(default_factory=dict)

    def of(self, question: Question) -> object | None:
        """What was given for a question; None where nothing was."""
        found: Any = self.options.get(question.key)
        return _at(self.tree, question.place) if found is None else found

    def fault(self, place: Path, key: str, message: str, fix: str = "") -> Fault:
        """A fault where the answer was given, or at the nearest line above where it was not."""
        if key in self.options:
            return Fault(file=OPTION, field=key, message=message, fix=fix)
        nearest = next((place[:end] for end in range(len(place), -1, -1) if place[:end] in self.lines), None)
        return Fault(file=self.file, line=self.lines.get(nearest) if nearest is not None else None, field=key, message=message, fix=fix)

    def leaves_open(self, question: Question) -> bool:
        """Whether it is still to be asked: what may be left out of a table of the file, and is, was left out on purpose."""
        return question.spoken and (not question.optional or not self.tree or _at(self.tree, question.place[:-1]) is None)

    @property
    def processings(self) -> int:
        """How many processings they describe at least."""
        listed = self.tree.get("processing", ())
        numbered = [int(part) for key in self.options for part in [key.split(".")[1:2] or [""]][0] if part.isdecimal()]
        return max(len(listed) if isinstance(listed, list) else 0, *(each + 1 for each in numbered), 0)

    def unused(self, asked: frozenset[Path], keys: frozenset[str], *, whole: bool) -> Iterator[Fault]:
        """What answers no question; before all is answered, only what no agreement could ever hold."""
        for key in self.options:
            if key not in keys and (whole or key.split(".")[0] not in TOPS):
                yield Fault(
                    file=OPTION, field=key, message="answers no question", fix=f"the keys are those of an agreement: {_listed(TOPS)}"
                )
        for place in _leaves(self.tree, ()):
            if not any(place[: len(each)] == each for each in asked) and (whole or place[0] not in TOPS):
                yield self.fault(
                    place, ".".join(map(str, place)), "answers no question", f"the keys are those of an agreement: {_listed(TOPS)}"
                )


def read_given(options: list[str], text: str | None, file: str) -> Given:
    """Answers by option, `KEY=VALUE`, and from a TOML text; ConfigurationError when they cannot be read."""
    pairs = [each.partition("=") for each in options]
    if bad := [each for each, found, _ in pairs if not found or not each]:
        fix = 'such as --answer version=1.0 or --answer "terms.purpose=To decide…"'
        raise ConfigurationError([Fault(file=OPTION, field=each, message="is not KEY=VALUE", fix=fix) for each in bad])
    given = {key.strip(): value for key, _, value in pairs}
    if text is None:
        return Given(options=given)
    located = read(text, file, RootModel[dict[str, Any]])
    return Given(options=given, file=file, tree=located.model.root, lines=located.lines)


def interview(world: World, given: Given, ask: Ask | None) -> Draft:
    """All answers; ConfigurationError lists every answer that is wrong or, where nobody can be asked, missing."""
    draft, wrong, missing = _round(world, given, None)
    if wrong or (missing and ask is None):
        raise ConfigurationError(wrong if ask is not None else [*wrong, *missing])
    if missing:
        draft, wrong, missing = _round(world, given, ask)
    if wrong:
        raise ConfigurationError(wrong)
    return draft


def _round(world: World, given: Given, ask: Ask | None) -> tuple[Draft, list[Fault], list[Fault]]:
    """Every question once: the answers, the faults of those given, and what is missing."""
    draft: Draft = {}
    wrong: list[Fault] = []
    missing: list[Fault] = []
    asked: list[Question] = []
    for question in questions(draft, world, given.processings):
        asked.append(question)
        said, fault = given.of(question), ""
        try:
            answer = None if said is None else checked(question, said)
        except WrongAnswerError as error:
            answer, fault = None, str(error)
        if ask is not None and (fault or (said is None and given.leaves_open(question))):
            answer, fault = _asked(question, ask, fault), ""
        if fault:
            wrong.append(given.fault(question.place, question.key, fault, question.ask))
        elif answer is not None:
            _put(draft, question.place, answer)
        elif not question.optional:
            missing.append(given.fault(question.place, question.key, "is not answered", question.ask))
    keys, places = frozenset(each.key for each in asked), frozenset(each.place for each in asked)
    if ask is None:  # on a terminal, the question that a misspelt key did not answer is asked
        wrong += given.unused(places, keys, whole=not wrong and not missing)
    return draft, wrong, missing


def _asked(question: Question, ask: Ask, fault: str) -> object:
    """Until the answer is right, or nothing where nothing will do."""
    while True:
        said = ask(question, fault)
        if not said.strip() and question.optional:
            return None
        try:
            return checked(question, said)
        except WrongAnswerError as error:
            fault = str(error)


def checked(question: Question, said: object) -> object:
    """The answer as an agreement takes it, from a value of TOML or from text; WrongAnswerError says what is wrong with it."""
    typed = isinstance(said, str) and not question.many
    value = said.strip() if isinstance(said, str) and typed else _several(question, said) if isinstance(said, str) else said
    try:  # what was typed is text, whatever it becomes
        answer: object = question.type.validate_strings(value) if typed else question.type.validate_python(value)
    except ValidationError as error:
        told = dict.fromkeys(each["msg"].removeprefix("Value error, ") for each in error.errors(include_input=False, include_url=False))
        raise WrongAnswerError("; ".join(told)) from None
    if typed and isinstance(answer, date) and answer.isoformat() != value:  # digits alone would be taken for seconds since 1970
        raise WrongAnswerError("is no day: write it as YYYY-MM-DD")
    if wrong := question.wrong(answer):
        raise WrongAnswerError(wrong)
    return answer


def _several(question: Question, said: str) -> list[str]:
    """A list parted by commas; a star stands for every known answer it matches, as in `pol.*`."""
    parts = [part.strip() for part in said.split(",") if part.strip()]
    return [name for part in parts for name in ([each for each in question.known if fnmatchcase(each, part)] if "*" in part else [part])]


def _put(draft: Draft, place: Path, answer: object) -> None:
    """Nested as the file is; a processing begins with its first answer."""
    *above, last = place
    table: Any = draft
    for part, following in zip(above, place[1:], strict=True):
        if isinstance(part, int):
            table.extend({} for _ in range(part + 1 - len(table)))
            table = table[part]
        else:
            table = table.setdefault(part, [] if isinstance(following, int) else {})
    table[last] = answer


def _at(tree: object, place: Path) -> object | None:
    for part in place:
        if isinstance(part, int) and isinstance(tree, list):
            tree = tree[part] if part < len(tree) else None
        else:
            tree = tree.get(part) if isinstance(tree, Mapping) else None
    return tree


def _leaves(tree: object, place: Path) -> Iterator[Path]:
    if isinstance(tree, Mapping):
        for key, each in tree.items():
            yield from _leaves(each, (*place, key))
    elif isinstance(tree, list) and tree and all(isinstance(each, Mapping) for each in tree):
        for at, each in enumerate(tree):
            yield from _leaves(each, (*place, at))
    else:
        yield place


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
