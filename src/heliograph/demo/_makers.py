"""Which maker makes which kind of exam."""

from collections.abc import Callable

from heliograph.demo._angiogram import angiogram
from heliograph.demo._ct_head import ct_head
from heliograph.demo._ct_torso import ct_abdomen, ct_chest
from heliograph.demo._documents import outside_letter, photograph
from heliograph.demo._mammogram import mammogram
from heliograph.demo._mr import mr_brain
from heliograph.demo._nuclear import bone_scan
from heliograph.demo._pet import pet_ct
from heliograph.demo._radiograph import chest, hand
from heliograph.demo._study import Series, Study
from heliograph.demo._ultrasound import us_heart, us_stills

MAKERS: dict[str, Callable[[Study], list[Series]]] = {
    "ct_head": ct_head,
    "ct_chest": ct_chest,
    "ct_abdomen": ct_abdomen,
    "mammogram": mammogram,
    "mr_brain": mr_brain,
    "angiogram": angiogram,
    "bone_scan": bone_scan,
    "photograph": photograph,
    "letter": outside_letter,
    "us_heart": us_heart,
    "us_stills": us_stills,
    "pet_ct": pet_ct,
    "chest": chest,
    "hand": hand,
}
