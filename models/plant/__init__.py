"""The plant as its engineers describe it: asset types with signals, and the assets of each type, in a site's calendar.

Parsed from the texts of TOML files, which somebody else opens. Everything is checked once, in parsing. Here are the
names that others use; each is at home in the module of its subject.
"""

from models.plant.assets import Asset, AssetType, Component, Criticality, Limit
from models.plant.budget import Budget, Thresholds
from models.plant.care import Care
from models.plant.durations import LONGEST_S, seconds
from models.plant.errors import PlantError
from models.plant.files import parse, parse_files
from models.plant.plant import Plant
from models.plant.production import Air, Demand, Making, Meter, Producer, Product, Production, Tap
from models.plant.rules import ANY_MODE, Quantity, Rule, Template, TemplateName, When
from models.plant.shifts import Day, Shift
from models.plant.signals import LEVELS, Operating, Sampling, Signal, SignalKind
from models.plant.tuning import Combination, Lock, Moves, Parameter, Station, Tuning

__all__ = [
    "ANY_MODE",
    "LEVELS",
    "LONGEST_S",
    "Air",
    "Asset",
    "AssetType",
    "Budget",
    "Care",
    "Combination",
    "Component",
    "Criticality",
    "Day",
    "Demand",
    "Limit",
    "Lock",
    "Making",
    "Meter",
    "Moves",
    "Operating",
    "Parameter",
    "Plant",
    "PlantError",
    "Producer",
    "Product",
    "Production",
    "Quantity",
    "Rule",
    "Sampling",
    "Shift",
    "Signal",
    "SignalKind",
    "Station",
    "Tap",
    "Template",
    "TemplateName",
    "Thresholds",
    "Tuning",
    "When",
    "parse",
    "parse_files",
    "seconds",
]
