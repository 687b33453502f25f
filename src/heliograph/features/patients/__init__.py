"""Who the pictures show: patients known by (tenant, issuer, identifier), unique by constraint. Table: patient.

A placeholder identifier (empty, 0, TEST, UNKNOWN, `***`) never joins two people: such a study gets a patient of its own until
somebody links it (safety guard 3).
"""

from heliograph.features.patients.identity import Difference, Person, attach, differences, is_placeholder

__all__ = ["Difference", "Person", "attach", "differences", "is_placeholder"]
