"""The names, examinations and doctors of an invented hospital, each with how often it is met. No person is meant."""

from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# (weight, family names with the most common first, given names); the weight is the share of the region in percent.
REGIONS: Final[tuple[tuple[int, tuple[str, ...], tuple[str, ...]], ...]] = (
    (
        30,
        _words(
"Smith Jones Williams Brown Taylor Davies Wilson Evans Thomas Johnson Roberts Walker Wright Robinson Thompson White Hughes "
              "Edwards Green Lewis Wood Harris Martin Jackson Clarke O'Connor O'Brien McDonald Young King Hill Baker Quinn Vaughan Yates "
              "Zimmer Underwood Ingram Xavier"),
        _words(
"James Mary John Patricia Robert Jennifer Michael Linda William Elizabeth David Barbara Anne-Marie Thomas Sarah Daniel Grace "
              "Oliver Emma Zoe"),
    ),
    (
        22,
        _words(
"Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder "
              "Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Böhm Groß Jäger Voß Ünal Österreicher "
              "Quast Ypsilanti Ihle Uhl Xanthopoulos"),
        _words(
"Hans Ursula Peter Monika Jürgen Renate Klaus Karin Günther Björn Käthe Ingrid Jörg Sabine Stefan Anneliese Lukas Mia Zeki"),
    ),
    (
        14,
        _words(
"García González Rodríguez Fernández López Martínez Sánchez Pérez Gómez Jiménez Ruiz Hernández Díaz Moreno Muñoz Álvarez "
              "Romero Alonso Gutiérrez Navarro Núñez Iglesias Ibáñez Silva Santos Oliveira Souza Lima Araújo Conceição Quiroga"),
        _words(
"María José Antonio Carmen Manuel Ana Francisco Josefa Juan Isabel Jesús Dolores Ángel Pilar João Inês Tomás Lucía"),
    ),
    (
        8,
        _words(
"Martin Bernard Dubois Robert Durand Leroy Moreau Lefèvre Lefebvre Garnier François Rousseau Gauthier Hébert Bélanger Côté "
              "Lévesque Ouellet Quenneville"),
        _words(
"Jean Marie Pierre Françoise Michel Hélène Benoît Chloé Rémi Zoé Océane"),
    ),
    (
        8,
        _words(
"Nowak Kowalski Wiśniewski Wójcik Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Łuczak Żak Novák Svoboda Dvořák "
              "Černý Horvat Kovačević Đurić Popović Nagy Kovács Tóth Szabó"),
        _words(
"Jan Anna Piotr Katarzyna Łukasz Małgorzata Jiří Tereza Zoltán Željko Đorđe Ágnes"),
    ),
    (
        6,
        _words(
"Hansen Johansson Andersson Nielsen Jensen Larsen Olsen Sørensen Åberg Östlund Ångström Virtanen Korhonen Mäkinen Jónsdóttir "
              "Guðmundsson Þórsson Yılmaz Kaya Demir Şahin Çelik Öztürk Iğdır"),
        _words(
"Lars Anna Søren Kirsten Åse Øystein Björk Mehmet Fatma İbrahim Ayşe"),
    ),
    (4, ("Иванов", "Смирнов", "Кузнецов", "Попов", "Соколов", "Лебедев", "Козлов", "Παπαδόπουλος", "Γεωργίου", "Шевченко", "Ковалёв"),
     ("Иван", "Мария", "Сергей", "Елена", "Пётр", "Ольга", "Γιώργος", "Ελένη")),
    (3, ("قباني", "محمد", "أحمد", "حسن", "علي", "خليل", "כהן", "לוי", "מזרחי"), ("لنزار", "فاطمة", "يوسف", "مريم", "שרה", "דוד")),
)  # fmt: skip

# (alphabetic, ideographic, phonetic)
GROUPED_FAMILIES: Final = (
    ("Wang", "王", ""), ("Li", "李", ""), ("Zhang", "张", ""), ("Liu", "刘", ""), ("Chen", "陈", ""), ("Yamada", "山田", "やまだ"),
    ("Sato", "佐藤", "さとう"), ("Suzuki", "鈴木", "すずき"), ("Takahashi", "高橋", "たかはし"), ("Tanaka", "田中", "たなか"),
    ("Hong", "洪", "홍"), ("Kim", "金", "김"), ("Park", "朴", "박"), ("Choi", "崔", "최"), ("Nguyen", "阮", ""),
)  # fmt: skip
GROUPED_GIVEN: Final = (
    ("XiaoDong", "小东", ""), ("Wei", "伟", ""), ("Fang", "芳", ""), ("Tarou", "太郎", "たろう"), ("Hanako", "花子", "はなこ"),
    ("Kenji", "健二", "けんじ"), ("Gildong", "吉洞", "길동"), ("Minji", "敏智", "민지"), ("Anh", "英", ""),
)  # fmt: skip
GROUPED_SHARE: Final = 5

SYLLABLES: Final = _words(
    "ba ber cho da dén el fi gar ha hu is ja kow la lo ma mü na nor o pe qui ra ro sa ski son ta tor u va vić wa xi ya zé "
    "brand stein feld mann berg ham ton ley ford wick land gren lund quist bach dorf hof ner ler ger"
)

# (weight of 10,000, modalities in the study, body part, descriptions)
KINDS: Final[tuple[tuple[int, tuple[str, ...], str, tuple[str, ...]], ...]] = (
    (2300, ("DX",), "CHEST", ("XR Chest PA", "Thorax p.a.", "RX TORAX", "Radiographie du thorax", "XR Hand left")),
    (900, ("CR",), "CHEST", ("CR CHEST AP BED", "Thorax liegend", "CR PELVIS")),
    (1500, ("CT",), "HEAD", ("CT HEAD WO CONTRAST", "CT Schädel nativ", "TAC CRANEO", "CT HEAD TRAUMA")),
    (900, ("CT", "SR"), "CHEST", ("CT CHEST W CONTRAST", "CT Thorax KM", "CT THORAX ABDOMEN")),
    (1300, ("MR",), "BRAIN", ("MR BRAIN", "IRM cérébrale", "MRT Schädel", "MR KNEE RIGHT", "MR L-SPINE")),
    (200, ("MR", "PR"), "BREAST", ("MR BREAST BILATERAL", "MRT Mamma")),
    (1200, ("US",), "ABDOMEN", ("US ABDOMEN", "Abdomensonographie", "US THYROID", "ECOGRAFIA ABDOMINAL")),
    (300, ("US", "SR"), "HEART", ("ECHO TTE", "Echokardiographie")),
    (600, ("MG",), "BREAST", ("MG SCREENING BILAT", "Mammographie bds.", "MG DIAGNOSTIC")),
    (200, ("PT", "CT"), "WHOLEBODY", ("PET CT FDG", "PET/CT Ganzkörper")),
    (200, ("XA",), "HEART", ("CORONARY ANGIO", "Herzkatheter")),
    (150, ("NM",), "WHOLEBODY", ("BONE SCAN", "Skelettszintigraphie")),
    (110, ("RF",), "ABDOMEN", ("BARIUM SWALLOW", "Breischluck")),
    (60, ("IO",), "JAW", ("PANORAMIC", "Zahnfilm")),
    (45, ("OT",), "", ("SCANNED FORM", "")),
    (20, ("SC", "KO"), "", ("IMPORTED CD",)),
    (10, ("ES",), "", ("COLONOSCOPY",)),
    (4, ("SM",), "", ("SLIDE",)),
    (1, ("BMD",), "SPINE", ("BONE DENSITY",)),
)  # fmt: skip
