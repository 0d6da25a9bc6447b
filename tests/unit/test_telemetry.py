"""What the outside may learn of a running process: closed fields on one line each, closed labels; and what the documents say of it."""

from __future__ import annotations

import ast
import io
import json
import re

import pytest
import structlog
from tree import ROOMS, ROOT, sources

from broker.telemetry import ALLOWED, Meters, configure
from policies.vocabulary import Alert
from schemas.identifiers import PartyId

LEVELS = ("debug", "info", "warning", "error", "critical", "exception")
LABELS = {"topic", "reason"}
CANARY = "Zyxqvanthe"


@pytest.fixture
def said():
    """What was logged, as bytes of a stream."""
    before, stream = structlog.get_config(), io.StringIO()
    configure(stream)
    yield stream
    structlog.configure(**before)


def only(stream):
    """The one physical line, whatever a reader takes for the end of one."""
    text = stream.getvalue()
    assert text.endswith("\n")
    assert text.isascii()
    assert text[:-1].isprintable()
    return json.loads(text)


# -------------------------------------------------------------------------------------------------------------- log lines


@pytest.mark.proves("I18")
def test_a_field_that_is_not_on_the_list_is_dropped_and_the_line_says_how_many(said):
    structlog.get_logger().error("alarm", reason="quarantined", count=3, surname=CANARY, body={"words": CANARY})
    line = only(said)
    assert line.pop("timestamp")
    assert line == {"event": "alarm", "level": "error", "reason": "quarantined", "count": 3, "dropped": 2}


def test_every_field_on_the_list_is_told_and_nothing_is_said_to_be_dropped(said):
    structlog.get_logger().info("started", party=PartyId("hub.borough"), topic="mash.directory", first=0, after=1)
    line = only(said)
    assert line["party"] == "hub.borough"
    assert "dropped" not in line


@pytest.mark.proves("I18")
@pytest.mark.parametrize(
    "value", [ValueError(CANARY), [CANARY], {"a": CANARY}, CANARY.encode(), None], ids=lambda value: type(value).__name__
)
def test_what_is_no_plain_value_is_dropped_since_nobody_knows_what_it_prints(said, value):
    structlog.get_logger().warning("source", error=value, digest=value)
    assert CANARY not in said.getvalue()
    assert only(said)["dropped"] == 2


@pytest.mark.proves("I18")
@pytest.mark.parametrize(
    "mark", ["\n", "\r", "\r\n", "\u2028", "\u2029", "\x85", "\x1b[2J", "\x0b", "\x0c", "\0", "\x9b", "\x7f", "\ud800", "\u202e"], ids=ascii
)
def test_a_value_cannot_start_a_line_or_move_a_cursor(said, mark):
    forged = f'a{mark}{{"event": "stopped"}}'
    structlog.get_logger().warning("quarantined", topic=forged, reason=mark)
    line = only(said)
    assert (line["event"], line["topic"], line["reason"]) == ("quarantined", forged, mark)


@pytest.mark.proves("I18")
def test_an_exception_tells_neither_its_words_nor_its_locals_nor_its_stack(said):
    def match(subject):
        held = {"given_names": subject}
        raise RuntimeError(held)

    try:
        match(CANARY)
    except RuntimeError:
        structlog.get_logger().exception("answer_failed", error="RuntimeError", stack_info=True)
    line = only(said)
    assert CANARY not in said.getvalue()
    assert "match" not in said.getvalue()
    assert (line["error"], line["dropped"]) == ("RuntimeError", 2)


def test_less_than_info_is_not_said(said):
    structlog.get_logger().debug("fetched", topic="mash.directory")
    assert said.getvalue() == ""


def test_without_a_stream_it_is_said_on_stderr(capsys):
    before = structlog.get_config()
    configure()
    structlog.get_logger().info("started")
    structlog.configure(**before)
    found = capsys.readouterr()
    assert json.loads(found.err)["event"] == "started"
    assert found.out == ""


# ----------------------------------------------------------------------------------------------------------- in the source


def calls(*names):
    """Every call of a method of one of these names in the four rooms, with where it stands."""
    for path in sources(*ROOMS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def logged():
    return [(place, node) for place, node in calls(*LEVELS) if isinstance(node.func.value, ast.Name) and node.func.value.id == "LOG"]


def alarm_reasons():
    """Every reason an alarm can have: written where it is raised, or one of the policy's alerts."""
    found = set()
    for place, node in calls("alarm"):
        reason = node.args[0]
        if isinstance(reason, ast.Name) and reason.id == "failed":
            continue  # said by whoever calls do_work, below
        assert isinstance(reason, ast.Constant) or (isinstance(reason, ast.Name) and reason.id == "alert"), place
        found |= {reason.value} if isinstance(reason, ast.Constant) else {alert.value for alert in Alert}
    for path in sources("agents"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "do_work":
                found.add(ast.literal_eval(node.args[3]))
    return found


@pytest.mark.proves("I18")
def test_what_a_log_line_says_is_written_in_the_source_and_never_composed():
    assert len(logged()) >= 8
    composed = [place for place, node in logged() if not isinstance(node.args[0], ast.Constant | ast.Name)]
    names = [place for place, node in logged() if isinstance(node.args[0], ast.Name) and not place.startswith("broker/party.py")]
    assert composed + names == []


@pytest.mark.proves("I18")
def test_every_field_that_is_logged_is_on_the_list():
    asked = [(place, word.arg) for place, node in [*logged(), *calls("alarm")] for word in node.keywords if word.arg is not None]
    assert len(asked) > 20
    assert [each for each in asked if each[1] not in ALLOWED] == []


@pytest.mark.proves("I18")
def test_of_an_error_only_its_class_or_its_code_is_logged():
    """`error=` is `type(error).__name__` or `error.code`: what an error says may quote a person."""
    values = [(place, word.value) for place, node in [*logged(), *calls("alarm")] for word in node.keywords if word.arg == "error"]
    assert len(values) > 8
    assert [place for place, value in values if not isinstance(value, ast.Attribute) or value.attr not in {"__name__", "code"}] == []


# ---------------------------------------------------------------------------------------------------------------- metrics


@pytest.mark.proves("I18")
def test_metrics_have_two_labels_and_no_others():
    meters = Meters()
    counters = [each for each in vars(meters).values() if each is not meters.registry]
    assert len(counters) == 5
    assert {label for counter in counters for label in counter._labelnames} == LABELS
    with pytest.raises(ValueError, match="label"):
        meters.alarms.labels(reason="x", surname=CANARY)


@pytest.mark.proves("I18")
def test_labels_are_given_by_name_as_topic_or_reason():
    found = list(calls("labels"))
    assert len(found) >= 5
    assert [place for place, node in found if node.args or not {word.arg for word in node.keywords} <= LABELS] == []


def test_the_reason_of_an_alarm_is_a_closed_word():
    reasons = alarm_reasons()
    assert len(reasons) > 10
    assert all(re.fullmatch(r"[a-z_]{3,30}", reason) for reason in reasons)


# -------------------------------------------------------------------------------------------------------------- documents


def test_the_operations_page_explains_every_alarm_and_no_other():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = page.partition("## Alarms")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    assert {reason for row in rows for reason in re.findall(r"`(\w+)`", row)} == alarm_reasons()


def test_the_threat_model_names_only_tests_that_exist():
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    there = {
        node.name
        for path in sources("tests")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert len(named) > 20
    assert named - there == set()
