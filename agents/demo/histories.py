"""What is held about people, by category and field name: each writer turns it into its own system's shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from agents.demo.people import Person, Town

Words = tuple[str, ...]

KINDS: Final[dict[str, dict[str, Words]]] = {
    "pol.incidents": {
        "kind": ("Disturbance at address", "Concern for safety", "Anti-social behaviour", "Neighbour dispute", "Assist ambulance"),
        "summary": (
            "Neighbours reported shouting and banging; all quiet on attendance.",
            "Caller asked for help to remove a visitor; left before police came.",
            "Adults in drink at the address; children seen asleep and well.",
            "Report of damage to the front door; no offence disclosed.",
        ),
        "outcome": ("No further action", "Words of advice", "Referred to neighbourhood team"),
    },
    "pol.da_callouts_dash": {
        "risk_grade": ("Standard", "Medium", "High"),
        "summary": (
            "Verbal argument between partners over money; no injury.",
            "Push and slap alleged; complainant declined to give a statement.",
            "Third call in six weeks; threats made; partner arrested to prevent a breach of the peace.",
        ),
        "children_present": ("Yes", "No", "Yes, upstairs"),
    },
    "pol.crime_reports": {
        "offence": ("Common assault", "Criminal damage", "Harassment", "Theft", "Possession of cannabis"),
        "status": ("Filed undetected", "Under investigation", "Charged", "Community resolution"),
        "summary": ("Reported by the complainant at the front counter.", "Reported by telephone; statement taken.", "Found on patrol."),
    },
    "pol.pnc_convictions": {
        "offence": ("Assault occasioning actual bodily harm", "Common assault", "Theft from a shop", "Drink driving", "Criminal damage"),
        "disposal": ("Community order, 12 months", "Fine", "Suspended sentence, 8 months", "Conditional discharge"),
    },
    "pol.warnings_markers": {"marker": ("Violent when in drink", "Weapons: carries a blade", "Alleges against officers")},
    "pol.missing_episodes": {
        "missing_from": ("Home address", "School", "Placement"),
        "found_at": ("Returned of own accord", "Railway station", "Friend's address", "Found by patrol in the town centre"),
        "circumstances": (
            "Left after an argument; phone switched off; back next morning.",
            "Did not return from school; seen with older males at the station.",
            "Third episode this month; would not say where the night was spent.",
        ),
    },
    "pol.child_come_to_notice": {
        "reason": ("Present at domestic incident", "Begging", "Found alone at home", "Out late without an adult"),
        "summary": ("Child seen and spoken to; said that nothing was wrong.", "Child quiet and tired; home untidy; food in the kitchen."),
    },
    "pol.custody": {
        "reason": ("Arrest: common assault", "Arrest: breach of the peace", "Arrest: theft", "Warrant"),
        "outcome": ("Released under investigation", "Charged and bailed", "No further action"),
    },
    "pol.intelligence": {"summary": ("Graded report; sanitised summary with the intelligence desk.",)},
    "pol.rso_mappa": {"category": ("Category 1", "Category 2"), "level": ("Level 1", "Level 2")},
    "pol.civil_orders": {
        "order": ("Non-molestation order", "Restraining order", "Domestic violence protection order"),
        "conditions": ("Not to go within 100 metres of the home address.", "No contact, direct or indirect, with the protected person."),
        "expires_on": ("2029-01-31", "2030-06-30", "2031-12-31"),
    },
    "acute.ed_attendances": {
        "presenting_complaint": ("Fall", "Head injury", "Fever", "Abdominal pain", "Limb pain", "Burn or scald", "Cough", "Overdose"),
        "diagnosis": (
            "Soft tissue injury",
            "Viral illness",
            "Minor head injury",
            "Fracture of radius",
            "Superficial burn",
            "None recorded",
        ),
        "disposal": ("Discharged, GP to follow up", "Discharged, no follow-up", "Admitted", "Left before treatment"),
    },
    "acute.injury_admissions": {
        "injury": ("Fracture of femur", "Scald to the chest", "Laceration of scalp", "Fracture of clavicle"),
        "explanation_given": ("Fell from bed", "Pulled a cup from the table", "Fell downstairs", "None given"),
        "length_of_stay_days": ("1", "2", "3", "5"),
    },
    "mat.booking_concerns": {
        "concern": ("Late booking", "Domestic abuse disclosed at booking", "Smoking and alcohol in pregnancy", "Missed appointments"),
        "gestation_weeks": ("9", "14", "22", "27"),
    },
}
USUAL: Final = (  # category, chance that somebody on its agency's books has any, for adults and for children
    ("pol.incidents", 0.5, 0.1),
    ("pol.da_callouts_dash", 0.15, 0.0),
    ("pol.crime_reports", 0.35, 0.05),
    ("pol.pnc_convictions", 0.2, 0.0),
    ("pol.warnings_markers", 0.05, 0.0),
    ("pol.missing_episodes", 0.0, 0.15),
    ("pol.child_come_to_notice", 0.0, 0.5),
    ("pol.custody", 0.2, 0.02),
    ("pol.intelligence", 0.06, 0.01),
    ("pol.rso_mappa", 0.01, 0.0),
    ("pol.civil_orders", 0.04, 0.0),
    ("acute.ed_attendances", 0.3, 0.4),
    ("acute.injury_admissions", 0.04, 0.05),
)
FIELDS: Final = {category: tuple(words) for category, words in KINDS.items()}
ASSERTIONS: Final = {  # a fact where nothing else is said
    "pol.da_callouts_dash": "professional_judgement",
    "pol.crime_reports": "allegation",
    "pol.intelligence": "opinion",
    "pol.child_come_to_notice": "professional_judgement",
    "mat.booking_concerns": "professional_judgement",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Held:
    """One thing held about one person."""

    category: str
    person: Person
    at: date
    fields: dict[str, str]


def something(town: Town, person: Person, category: str, ago: tuple[int, int] = (5, 300), /, **fields: str) -> Held:
    """One item of a category, its words drawn unless given; not before birth."""
    at = max(town.day(ago), person.born_on)
    drawn = {name: town.random.choice(words) for name, words in KINDS[category].items()} | fields
    return Held(category=category, person=person, at=at, fields=drawn)


def usual(town: Town, person: Person) -> list[Held]:
    """What police and hospital happen to hold about somebody they know."""
    grown = (town.today - person.born_on).days > 18 * 365
    known = {"pol": person.nominal, "acute": person.hospital}
    held: list[Held] = []
    for category, of_adults, of_children in USUAL:
        chance = of_adults if grown else of_children
        if known[category.partition(".")[0]] and town.random.random() < chance:
            held.extend(something(town, person, category, (5, 2400)) for _ in range(town.random.choice((1, 1, 1, 2, 3))))
    return held


def category_toml(category: str, place: str, person: str, at: tuple[str, str], columns: tuple[str, ...]) -> str:
    """One `[[source.category]]` of an adapter.toml: which columns hold which fields."""
    fields = ", ".join(f'{name} = "{column}"' for name, column in zip(FIELDS[category], columns, strict=True))
    return (
        f'[[source.category]]\ncategory = "{category}"\n{place}\nperson = "{person}"\n'
        f'at = {{ column = "{at[0]}", format = "{at[1]}" }}\nfields = {{ {fields} }}\nassertion = "{ASSERTIONS.get(category, "fact")}"\n'
    )
