"""The family a contact is about, who refers it, and who knows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agents.demo.people import Dirt, Home, Person, Town
from agents.demo.registers import AGENCIES
from agents.demo.scenes import Part
from agents.demo.schooling import PUPILS
from schemas.enums import Sex, SubjectRole

SCHOOL: Final = ("school", "R. Hollis", "Larkfield Primary School (SYNTHETIC)")
COLLEGE: Final = ("school", "T. Vance", "Quarry Bank Academy (SYNTHETIC)")
VISITOR: Final = ("health visitor", "P. Amadi", "Community Health Services (SYNTHETIC)")
MIDWIFE: Final = ("midwife", "J. Sorrel", "Community Midwifery (SYNTHETIC)")
CONSTABLE: Final = ("police", "PC 4471", "Borough Police (SYNTHETIC)")
NEIGHBOUR: Final = ("member of the public", "Neighbour", "none given")
WARD: Final = ("hospital", "Sister M. Quill", "Borough Hospital (SYNTHETIC)")
LANDLORD: Final = ("housing", "D. Farrow", "Borough Housing (SYNTHETIC)")
COUNCIL: Final = ("children's social care", "L. Penrose", "Next Borough Council (SYNTHETIC)")
CHILD, MOTHER, PARTNER = SubjectRole.child, SubjectRole.parent_carer, SubjectRole.alleged_source


class Family:
    """A mother, her child and perhaps her partner at one address.

    `among`: the agencies that know them at all; `clean`: those whose records are as they should be, where others have their usual dirt.
    """

    def __init__(
        self,
        town: Town,
        ages: tuple[int, int],
        *,
        name: str | None = None,
        among: Sequence[str] = AGENCIES,
        clean: Sequence[str] = ("police", "trust"),
        council: bool | None = None,
    ) -> None:
        self.town, self.home = town, town.home(council=council)
        self._among, self._clean = among, clean
        self.mother = self.join(town.adult(self.home, name, Sex.female, ages=(25, 42)))
        self.child = self.join(town.child(self.home, self.mother.family_name, ages=ages))

    def partner(self, home: Home | None = None, *, on_probation: bool = False) -> Person:
        """The mother's partner."""
        return self.join(self.town.adult(home or self.home, sex=Sex.male, ages=(24, 48)), on_probation=on_probation)

    def parts(self, *, numbered: bool = True) -> tuple[Part, Part]:
        """Child and mother, as most contacts name them."""
        return (
            Part(role=CHILD, relation="the child", person=self.child, numbered=numbered),
            Part(role=MOTHER, relation="mother", person=self.mother),
        )

    def join(self, person: Person, *, on_probation: bool = False) -> Person:
        """On the books of each agency that has to do with such a person."""
        concerns = {
            "schools": PUPILS[0] <= self.town.age(person) <= PUPILS[1],
            "housing": person.home.council,
            "probation": on_probation,
        }
        self.town.known[person.serial] = {
            agency: ((frozenset[Dirt]() if agency in self._clean else None),)
            if agency in self._among and concerns.get(agency, True)
            else ()
            for agency in AGENCIES
        }
        return person
