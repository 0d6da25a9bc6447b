"""Names as English registers hold them, how the same name is written otherwise, and streets that exist nowhere."""

from __future__ import annotations

import unicodedata
from typing import Final

FAMILY: Final = (
    *("Smith", "Jones", "Taylor", "Brown", "Williams", "Wilson", "Johnson", "Davies", "Patel", "Robinson", "Wright", "Thompson"),
    *("Evans", "Walker", "White", "Roberts", "Green", "Hall", "Wood", "Jackson", "Clarke", "Khan", "Harris", "Lewis", "Hughes"),
    *("Ahmed", "Begum", "Ali", "Hussain", "Shah", "Kaur", "Singh", "Akhtar", "Miah", "Chowdhury", "Rahman", "Islam", "Malik"),
    *("Okafor", "Adeyemi", "Mensah", "Osei", "Mohamed", "Abdi", "Hassan", "Yusuf", "Bello", "Nkosi", "Campbell", "Francis"),
    *("Nowak", "Kowalski", "Wojcik", "Popescu", "Ionescu", "Silva", "Santos", "Fernandes", "García", "Müller", "Núñez", "Özdemir"),
    *("O'Connor", "O'Brien", "Murphy", "Kelly", "Byrne", "McDonald", "MacLeod", "St. John", "Smith-Jones", "Owen-Price", "van Dijk"),
    *("Chen", "Wang", "Nguyen", "Tran", "Lee", "Cohen", "Levy", "Costa", "Rossi", "Moreau", "Dubois", "Kovács", "Horvath", "Petrov"),
    *("Turner", "Hill", "Cooper", "Ward", "Morris", "Moore", "Clark", "Baker", "Harrison", "King", "Morgan", "Allen", "James", "Scott"),
    *("Nguyễn", "Wójcik", "Şahin", "Đặng", "Kaczyński", "Dvořák", "Çelik", "Ståhl", "Ferreira", "Haddad", "Rahimi", "Ahmadi"),
    *("Ellis", "Foster", "Holmes", "Palmer", "Hunt", "Webb", "Rogers", "Stone", "Barker", "Fletcher", "Marsh", "Atkins", "Dixon"),
)
GIRLS: Final = (
    *("Amelia", "Olivia", "Isla", "Ava", "Lily", "Freya", "Grace", "Sophie", "Chloé", "Zoë", "Siân", "Maya", "Aisha", "Fatima"),
    *("Maryam", "Zara", "Hannah", "Ruby", "Evie", "Poppy", "Daisy", "Phoebe", "Alice", "Harriet", "Niamh", "Ngozi", "Abena", "Amina"),
    *("Priya", "Simran", "Julia", "Zofia", "Elena", "Leila", "Yasmin", "Mei", "Linh", "Beatrice", "Florence", "Rosa", "Kayleigh"),
)
BOYS: Final = (
    *("Oliver", "Noah", "George", "Arthur", "Muhammad", "Leo", "Oscar", "Harry", "Archie", "Jack", "Henry", "Theo", "Luca", "Alfie"),
    *("Ibrahim", "Yusuf", "Adam", "Omar", "Ethan", "Callum", "Rhys", "Seán", "Kwame", "Chidi", "Emeka", "Arjun", "Harpreet", "Jakub"),
    *("Szymon", "Andrei", "Mateo", "José", "Kai", "Minh", "Tyler", "Mason", "Reece", "Jamal", "Dexter", "Finley", "Gabriel", "Rowan"),
)
WOMEN: Final = (
    *("Sarah", "Emma", "Claire", "Nicola", "Rachel", "Laura", "Karen", "Donna", "Michelle", "Lisa", "Joanne", "Kerry", "Gemma"),
    *("Nasreen", "Shabana", "Parveen", "Sunita", "Anjali", "Funmi", "Grace", "Comfort", "Halima", "Agnieszka", "Katarzyna", "Ioana"),
    *("María", "Renée", "Siobhán", "Mairead", "Bronwen", "Catherine", "Deborah", "Tracey", "Wei", "Thuy", "Miriam", "Helen", "Vanessa"),
)
MEN: Final = (
    *("David", "Paul", "Mark", "Andrew", "Richard", "Stephen", "Lee", "Craig", "Darren", "Wayne", "Gary", "Kevin", "Simon", "Ian"),
    *("Imran", "Tariq", "Rajesh", "Gurpreet", "Abdul", "Hamza", "Tunde", "Kofi", "Ahmed", "Piotr", "Marek", "Mihai", "João", "André"),
    *("Patrick", "Liam", "Gareth", "Rhodri", "Hamish", "Bruno", "Carlos", "Dmitri", "Jian", "Tuan", "Aaron", "Nathan", "Scott", "Trevor"),
)
TWINS: Final = (("Ella", "Ellie"), ("Jayden", "Jaydon"), ("Amira", "Amirah"), ("Lewis", "Louis"), ("Hasan", "Hassan"), ("Mia", "Miah"))
STREETS: Final = (
    *("Sycamore Road", "Albion Street", "Canal Walk", "Station Road", "Marlow Close", "Rowan Court", "Quarry Lane", "Mill Lane"),
    *("Chapel Street", "Priory Gardens", "Hazel Avenue", "Ferry Road", "Jubilee House", "Orchard Way", "Saxon Rise", "Tower Street"),
)
NICKNAMES: Final = {  # as people are called, and as a record may have them
    "Amelia": "Millie", "Olivia": "Liv", "Sophie": "Soph", "Hannah": "Han", "Phoebe": "Phee", "Alice": "Ali", "Harriet": "Hattie",
    "Beatrice": "Bea", "Florence": "Flo", "Kayleigh": "Kay", "Yasmin": "Yaz", "Simran": "Simmi", "Zofia": "Zosia", "Daisy": "Dee",
    "Oliver": "Ollie", "Arthur": "Art", "Muhammad": "Mo", "Archie": "Arch", "Henry": "Harry", "Theo": "Ted", "Alfie": "Alf",
    "Ibrahim": "Ibby", "Callum": "Cal", "Tyler": "Ty", "Jamal": "Jay", "Dexter": "Dex", "Finley": "Fin", "Gabriel": "Gabe",
    "Sarah": "Sally", "Emma": "Em", "Nicola": "Nicky", "Rachel": "Rach", "Michelle": "Shell", "Joanne": "Jo", "Gemma": "Gem",
    "Katarzyna": "Kasia", "Agnieszka": "Aga", "Catherine": "Kate", "Deborah": "Debbie", "Tracey": "Trace", "Helen": "Nell",
    "Vanessa": "Ness", "David": "Dave", "Andrew": "Andy", "Richard": "Rick", "Stephen": "Steve", "Darren": "Daz", "Gary": "Gaz",
    "Kevin": "Kev", "Simon": "Si", "Gurpreet": "Gary", "Rajesh": "Raj", "Abdul": "Abs", "Piotr": "Peter", "Patrick": "Paddy",
    "Carlos": "Charlie", "Dmitri": "Dima", "Nathan": "Nate", "Trevor": "Trev",
}  # fmt: skip
VARIANTS: Final = {  # one name, spelt as another register spelt it
    "Muhammad": ("Mohammed", "Mohamed", "Mohammad"), "Mohamed": ("Mohammed", "Muhammad"), "Ahmed": ("Ahmad", "Achmed"),
    "Hussain": ("Hussein", "Husain"), "Yusuf": ("Yousef", "Yousuf"), "Fatima": ("Fatimah", "Fatema"), "Aisha": ("Ayesha", "Aysha"),
    "Maryam": ("Mariam", "Miriam"), "Ibrahim": ("Ebrahim",), "Hassan": ("Hasan",), "Chowdhury": ("Choudhury", "Chaudhry"),
    "Rahman": ("Rehman",), "Akhtar": ("Akter",), "Kaur": ("Kour",), "Popescu": ("Popesco",), "Dmitri": ("Dmitry", "Dimitri"),
    "Petrov": ("Petroff",), "Adeyemi": ("Adeyemí",), "Abdi": ("Cabdi",), "Halima": ("Halimo", "Xaliimo"), "Zofia": ("Sofia",),
    "Szymon": ("Simon",), "Jakub": ("Jacob",), "Piotr": ("Peter",), "Katarzyna": ("Catherine",), "Seán": ("Shaun", "Sean"),
    "Siobhán": ("Shivaun", "Siobhan"), "Niamh": ("Neve",), "Sophie": ("Sofie",), "Catherine": ("Katherine", "Kathryn"),
    "Stephen": ("Steven",), "Rachel": ("Rachael",), "Ahmadi": ("Ahmady",), "Rahimi": ("Raheemi",), "Haddad": ("Hadad",),
    "McDonald": ("MacDonald", "Macdonald"), "MacLeod": ("McLeod",), "Clarke": ("Clark",), "O'Connor": ("O Connor", "OConnor"),
    "St. John": ("StJohn", "Saint John"), "Smith-Jones": ("Smith Jones", "Smith"), "Owen-Price": ("Owen", "Price"),
}  # fmt: skip
PATRONYMIC: Final = (  # a child's last name is its father's first, or made of it
    *(("Axmed", "Axmed"), ("Warsame", "Warsame"), ("Tesfay", "Tesfay"), ("Berhane", "Berhane"), ("Gebre", "Gebre")),
    *(("Jón", "Jónsdóttir"), ("Einar", "Einarsson"), ("Ivan", "Ivanovich"), ("Pyotr", "Petrovna"), ("Sivakumar", "Sivakumar")),
)


_UNMARKED: Final = str.maketrans({"Đ": "D", "đ": "d", "Ł": "L", "ł": "l", "\u0131": "i"})  # marks that are no combining ones


def latin(text: str) -> str:
    """A name as a system with few letters has it: what cp1252 cannot write loses its marks."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return bare(text)
    return text


def bare(text: str) -> str:
    """Without marks: Kovacs, Nguyen, Dang."""
    plain = unicodedata.normalize("NFD", text.translate(_UNMARKED))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))
