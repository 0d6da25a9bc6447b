"""Ordinary names as English registers hold them (all letters exist in cp1252), and streets and postcodes that exist nowhere."""

from __future__ import annotations

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
