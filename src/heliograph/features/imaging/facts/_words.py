"""Words of descriptions, protocol names and kernels, and what they mean: English, German, Spanish, French, Chinese."""

from __future__ import annotations

import re

Table = tuple[tuple[str, re.Pattern[str]], ...]


def _table(*rows: tuple[str, str]) -> Table:
    return tuple((meaning, re.compile(words, re.IGNORECASE)) for meaning, words in rows)


# Letters on both sides end a word; digits and underscores do not: "T1_tse", "b1000t".
_B = r"(?<![a-z])"
_E = r"(?![a-z])"


def _words(*words: str) -> str:
    return "|".join(f"{_B}(?:{word}){_E}" for word in words)


BODY_PARTS = _table(
    ("BREAST", _words("breasts?", "mammo\\w*", "mamm?a\\w*", "brust", "sein", "tomosynth\\w*") + "|乳腺|乳房"),
    ("CSPINE", _words("c[- _]?sp(?:ine|n)?", "cervical(?: spine)?", "hws", "halswirbel\\w*", "cervicales?", "columna cervical", "rachis cervical") + "|颈椎"),
    ("TSPINE", _words("t[- _]?sp(?:ine|n)", "thoracic spine", "bws", "brustwirbel\\w*", "dorsal(?: spine)?", "columna dorsal", "rachis dorsal") + "|胸椎"),
    ("LSPINE", _words("l[- _]?sp(?:ine|n)?", "lumbar(?: spine)?", "lumbosacral", "lws", "lendenwirbel\\w*", "lumbaire", "columna lumbar") + "|腰椎"),
    ("SPINE", _words("spine", "spinal", "wirbels[äa]ule", "columna", "rachis", "myelo\\w*") + "|脊柱|脊椎"),
    ("HEART", _words("heart", "cardiac", "cardio\\w*", "herz", "coronar\\w*", "cta? ?cor", "cor", "corazon", "coraz[oó]n", "coeur", "echocardio\\w*", "stress echo", "ventric\\w*", "lca", "rca") + "|心脏|冠脉|冠状动脉"),
    ("HEAD", _words("heads?", "brain", "skull", "cranio\\w*", "crane", "cr[aâ]nio", "cerebr\\w*", "neuro\\w*", "kopf", "sch[äa]del\\w*", "hirn", "cabeza", "t[êe]te", "orbits?", "pituitar\\w*", "sinus\\w*", "iac", "stroke", "temporal bone") + "|头|脑|颅"),
    ("NECK", _words("neck", "hals", "cuello", "cou", "carotid\\w*", "thyroid\\w*", "larynx", "soft tissue neck") + "|颈部|甲状腺"),
    ("CHEST", _words("chest", "thora(?:x|cic)\\w*", "lungs?", "lunge\\w*", "pulmon\\w*", "rippen", "ribs?", "t[óo]rax", "poumons?", "cxr", "pe study") + "|胸|肺"),
    ("ABDOMEN", _words("abd(?:omen|ominal)?\\w*", "liver", "leber", "hepat\\w*", "pancrea\\w*", "kidneys?", "renal", "niere\\w*", "spleen", "gallbladder", "bile", "mrcp", "kub", "bauch", "h[ií]gado", "foie", "bowel", "colon\\w*", "enterograph\\w*") + "|腹|肝|肾|胰"),
    ("PELVIS", _words("pelvi[sc]\\w*", "becken", "prostat\\w*", "uter\\w*", "ovar\\w*", "rectum", "bladder", "bassin", "obstetric\\w*", "fetal", "fetus") + "|骨盆|盆腔|前列腺"),
    ("SHOULDER", _words("shoulder", "schulter", "hombro", "[ée]paule", "clavicle") + "|肩"),
    ("ELBOW", _words("elbow", "ellenbogen", "codo", "coude") + "|肘"),
    ("HAND", _words("hands?", "wrists?", "fingers?", "thumb", "mano", "mu[ñn]eca", "handgelenk", "poignet", "main") + "|手|腕"),
    ("HIP", _words("hips?", "h[üu]fte\\w*", "cadera", "hanche") + "|髋"),
    ("KNEE", _words("knees?", "knie\\w*", "rodilla", "genou", "patella\\w*") + "|膝"),
    ("FOOT", _words("foot", "feet", "ankles?", "fu(?:ss|ß)", "sprunggelenk", "pie", "tobillo", "pied", "cheville", "calcaneus", "toes?") + "|足|踝"),
    ("LEG", _words("legs?", "femur", "tibia\\w*", "thigh", "lower extremit\\w*", "oberschenkel", "unterschenkel", "pierna", "jambe") + "|腿|下肢"),
    ("ARM", _words("arms?", "humerus", "forearm", "radius", "ulna", "oberarm", "unterarm", "brazo", "bras") + "|上肢"),
    ("WHOLEBODY", _words("whole[- ]?body", "total body", "ganzk[öo]rper", "skull base to (?:mid)?thigh", "wb") + "|全身"),
)  # fmt: skip
"""A region, and the words that name it. Order is that of trust: a joint or a segment before the region around it."""

CODED_PARTS: dict[str, str] = {
    "BRAIN": "HEAD", "SKULL": "HEAD", "HEADNECK": "HEAD", "TSPINE": "TSPINE", "CSPINE": "CSPINE", "LSPINE": "LSPINE", "LSSPINE": "LSPINE",
    "THORAX": "CHEST", "LUNG": "CHEST", "ABDOMENPELVIS": "ABDOMEN", "CHESTABDOMEN": "CHEST", "CHESTABDPELVIS": "CHEST", "WRIST": "HAND",
    "ANKLE": "FOOT", "THIGH": "LEG", "FEMUR": "LEG", "HUMERUS": "ARM", "EXTREMITY": "", "UNKNOWN": "", "HEART": "HEART", "WHOLEBODY": "WHOLEBODY",
}  # fmt: skip
"""Body Part Examined (PS3.16 Annex L) to our regions, where the word itself would not say it."""

LOCALIZER = re.compile(
    _words("loc", "localizer", "localiser", "lokalizer", "scout", "survey", "topogram\\w*", "surview", "scanogram", "scano", "plan scan", "3[- ]?plane", "scout view", "localizador", "rep[ée]rage")
    + "|定位",
    re.IGNORECASE,
)  # fmt: skip

MR_FAMILIES = _table(
    ("LOC", LOCALIZER.pattern),
    ("ADC", _words("e?adc\\w*", "apparent diffusion")),
    ("PERFUSION", _words("perf\\w*", "dsc", "dce", "asl", "pcasl", "cbf", "cbv", "mtt", "tmax", "rcbv", "ttp")),
    ("DTI", _words("dti", "tensor", "fa", "fractional anisotropy", "tracks?")),
    ("DWI", _words("dwi", "diff(?:usion)?\\w*", "trace\\w*", "resolve", "ep2d[-_ ]?b") + r"|(?<![a-z0-9])b ?=? ?(?:0|50|100|400|500|600|800|1000|1400|1500|2000)(?![0-9])"),
    ("SWI", _words("swi\\w*", "swan", "swip", "venobold", "suscept\\w*", "qsm")),
    ("FMRI", _words("bold", "fmri", "resting state")),
    ("MRCP", _words("mrcp\\w*", "cholangio\\w*")),
    ("TOF", _words("tof", "mra", "time of flight", "inflow", "angio\\w*")),
    ("FLOW", _words("phase contrast", "pc", "venc", "4d flow", "qflow")),
    ("CINE", _words("cine\\w*", "retro", "short axis", "2ch", "4ch", "3ch", "sa stack")),
    ("LGE", _words("lge", "late enh\\w*", "psir", "delayed enh\\w*")),
    ("FLAIR", _words("flair\\w*", "dark[-_ ]?fluid", "space ?ir")),
    ("STIR", _words("stir\\w*", "tirm\\w*")),
    ("T2STAR", r"t2 ?\*|" + _words("t2[-_ ]?star", "hemo\\w*", "ffe ?t2", "t2 ?ffe", "medic", "merge", "gre ?t2")),
    ("SSFP", _words("ciss", "fiesta\\w*", "trufi\\w*", "b?ssfp", "btfe", "balanced")),
    ("PD", r"(?<![a-z])pd(?:w|fs)?(?![a-z])|" + _words("proton", "dens\\w*")),
    ("T1", r"(?<![a-z])t1(?!\d)|" + _words("mp[- ]?rage", "bravo", "vibe\\w*", "lava\\w*", "thrive", "f?spgr\\w*", "tfl\\w*", "e?thrive", "disco", "twist")),
    ("T2", r"(?<![a-z])t2(?!\d)|" + _words("haste", "ss[- ]?fse", "ssh")),
)  # fmt: skip
"""Kind of an MR series, the more special before the more general: an ADC map is called DWI too, a FLAIR is a T2."""

FAT_SUPPRESSED = re.compile(_words("fs", "fat ?sat\\w*", "spair", "spir", "chess", "stir\\w*", "dixon[-_ ]?w\\w*", "water", "fatsat", "fss"), re.IGNORECASE)  # fmt: skip

WITHOUT_CONTRAST = re.compile(
    _words("pre", "pre[- ]?(?:con\\w*|gd|gad\\w*)", "without", "w/?o", "ohne", "nativ\\w*", "sin", "sans", "non[- ]?con\\w*", "plain", "nc", "unenh\\w*") + "|平扫",
    re.IGNORECASE,
)  # fmt: skip
WITH_CONTRAST = re.compile(
    r"\+ ?(?:c|gd|km|k)(?![a-z])|"
    + _words("gad\\w*", "gd", "ce", "c\\+", "post", "post[- ]?(?:con\\w*|gd|gad\\w*)", "contrast", "kontrast\\w*", "km", "enhanced", "mit km", "with", "con contraste", "inject\\w*", "art(?:erial)?\\w*", "portal\\w*", "ven(?:ous|[öo]s)\\w*", "delay\\w*", "cta", "angio\\w*")
    + "|增强|动脉期|静脉期",
    re.IGNORECASE,
)  # fmt: skip
PHASES = _table(
    ("native", WITHOUT_CONTRAST.pattern),
    ("arterial", _words("late art\\w*", "early art\\w*", "art(?:erial|[ée]riel|eriell)?\\w*", "hap", "cta") + "|动脉期"),
    ("portal", _words("portal\\w*", "porto\\w*", "pv", "pvp") + "|门脉期"),
    ("venous", _words("ven(?:ous|[öo]s|osa|eux)?\\w*") + "|静脉期"),
    ("delayed", _words("delay\\w*", "late", "sp[äa]t\\w*", "excretory", "tardi\\w*", "equilib\\w*") + "|延迟期"),
)  # fmt: skip

KERNEL_WORDS = _table(
    ("lung", _words("lungs?", "lunge\\w*", "pulmon\\w*", "poumon") + "|肺"),
    ("bone", _words("bone\\w*", "knochen", "osseo\\w*", "hueso", "[óo]seo", "edge", "detail", "inner ?ear") + "|骨"),
    ("soft", _words("soft\\w*", "std", "standard", "stnd", "weichteil\\w*", "mediast\\w*", "brain", "smooth", "medium", "blandas", "mou") + "|软组织"),
)  # fmt: skip

VIEWS = _table(
    ("LL", _words("lat(?:eral)?\\w*", "ll", "rl", "seitlich", "profil")),
    ("PA", _words("pa", "p\\.a\\.")),
    ("AP", _words("ap", "a\\.p\\.", "front(?:al)?", "supine")),
)  # fmt: skip

SIDES = _table(
    ("R", _words("right", "rechts?", "rt", "re", "derech[ao]", "droite?", "r") + "|右"),
    ("L", _words("left", "links?", "lt", "li", "izquierd[ao]", "gauche", "l") + "|左"),
)  # fmt: skip


def meanings(table: Table, text: str) -> list[str]:
    """What a text says by a table, the first row first."""
    return [meaning for meaning, pattern in table if pattern.search(text)]


def meaning(table: Table, text: str) -> str:
    """The first meaning; empty when the text says none."""
    return next(iter(meanings(table, text)), "")
