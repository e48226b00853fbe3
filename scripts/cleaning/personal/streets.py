"""Street addresses: street, number and unit, in the ways of many languages; without postcode and place.

They have no check digits and no fixed form, so this kind is found with less certainty than the others and is off by default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator


def _any(words: str) -> str:
    """Return a pattern for any of some words, the longest first; a capital first letter may be small where `~` says so."""
    found = sorted(words.split(), key=lambda word: (-len(word), word))
    patterns = (
        re.escape(word) if word[0] != "~" else f"[{word[1]}{word[1].upper()}]{re.escape(word[2:])}" for word in found
    )
    return f"(?:{'|'.join(patterns)})"


_CAPITAL = "[A-ZÀ-ÖØ-ÞĀ-ŽȘȚА-ЯЁΑ-Ω]"
_WORD = _CAPITAL + r"[\w'’.]{0,30}"
_NAME = rf"{_WORD}(?:-[\w'’.]{{1,30}}){{0,3}}"
_NUMBER = r"\d{1,5}(?: ?[a-hA-H](?![\w'’]))?(?:[-–/]\d{1,5}[a-hA-H]?){0,3}"
_YEAR = r"(?!(?:1[5-9]|20)\d\d\b)"

_WAYS = _any(
    "Street St Road Rd Avenue Ave Av Lane Ln Drive Dr Court Ct Close Crescent Cres Boulevard Blvd Place Pl Square Sq Terrace Ter "
    "Way Walk Row Mews Gardens Grove Hill Parade Pde Parkway Pkwy Highway Hwy Circle Cir Trail Trl Quay Embankment Esplanade "
    "Wharf Rise Green Vale View Broadway Loop Alley Plaza Turnpike Pike Path Crossing Heights Park"
)
_NO_COURT = "".join(
    f"(?<!{word} )" for word in ("High", "Supreme", "District", "Circuit", "Federal", "County", "Crown", "British")
)
_PARTS = _any("Flat Unit Apt Apt. Apartment Suite Ste Ste. Level Floor Fl Fl. Room Rm Rm. Shop Lot Building Bldg Bldg.")
_SIDE = "(?:North|South|East|West|[NSEW][EW]?)"
_ENGLISH = (
    rf"(?:{_PARTS} [A-Z]?\d{{1,4}}[A-Z]?,? )?(?:(?:No\.? ?)?{_NUMBER}|Plot \d{{1,4}}[A-Z]?),? (?:{_SIDE}\.? )?"
    rf"(?:(?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th)) ){{1,4}}{_NO_COURT}{_WAYS}\b(?! (?:[Tt]o|[Oo]f)\b)\.?(?: {_SIDE}\b)?"
    rf"(?:,? {_PARTS} ?#?[A-Z]?\d{{0,4}}[A-Z]?(?![a-z])|,? #\d{{1,4}}[A-Z]?)?"
)
_BOX = (
    r"(?:P\.? ?O\.? ?Box|Private Bag|Postfach|Postbus|Boîte postale|Apartado(?: de correos)?|Casella postale|Caixa Postal|а/я)"
    r" \d[\d ]{0,6}"
)

_ENDINGS = _any(
    "~straße ~strasse ~str. ~weg ~platz ~gasse ~allee ~ring ~ufer ~damm ~chaussee ~steig ~straat ~laan ~gracht ~kade ~plein "
    "~singel ~vej ~gade ~vägen ~gatan ~gata ~veien ~vei ~katu ~tie"
)
_GERMANIC = (
    rf"(?!During|Spring|String|Bring|Gatan)(?:(?:(?:{_WORD}|von|van|der|den|de)[- ]){{0,3}}(?:[A-ZÀ-Þ][\w.]{{2,30}})?{_ENDINGS}"
    rf"|(?:Am|An der|Im|In der|Auf der|Zum|Zur|Unter den) {_NAME}(?= {_NUMBER},?\s{{1,3}}(?:[A-Z]{{1,2}}-)?\d{{4,5}} [A-Z]))"
    rf" {_YEAR}{_NUMBER}(?:-[IVX]{{1,4}}\b)?(?:[ /](?:[A-Z] )?\d{{1,3}}\b){{0,2}}"
)

_PARTICLES = r"(?: ?(?:d[eu]s?|del|dell[aeo]|di|da|dos?|das|la|las|los|les?|el|l['’]|d['’]|[Dd]ell['’])){0,4}"
_ROMANCE = _any(
    "~rue ~avenue ~av. ~boulevard ~bd ~bd. Place ~chemin ~impasse ~allée ~quai Cours Passage Square ~calle C/ ~avenida "
    "~avda ~avda. ~plaza ~pza. ~paseo ~carrer ~carretera ~ronda ~travesía ~rambla ~camino Via ~viale ~piazza ~corso "
    "~vicolo Largo "
    "~lungomare ~rua ~travessa ~praça ~alameda ~estrada ~rodovia Str. Strada Bd-ul B-dul Șoseaua Calea Aleea"
)
_STREET = rf"(?:{_ROMANCE}|[Rr]oute d(?:e|u|es)){_PARTICLES} ?{_NAME}(?:{_PARTICLES} {_NAME}){{0,4}}"
_UNITS = _any(
    "bajo piso planta puerta esc. escalera apto. apto apt. apt ap. sc. bl. int. interno scala bloco izquierda derecha izda dcha"
)
_FRENCH = rf"\d{{1,4}}(?: ?(?:bis|ter|quater|[A-D])\b)?(?:[-/]\d{{1,4}})?,? {_STREET}"
_SOUTHERN = (
    rf"{_STREET},? (?:n[°ºr.]{{0,2}} ?|(?:núm|num|nr)\.? ?)?{_YEAR}\d{{1,5}}(?:[-/]\d{{1,4}})?"
    rf"(?: ?(?:bis|ter|quater|[A-Za-h])\b)?(?:,? (?:{_UNITS}|\d{{1,2}}[ºª°]? ?[A-Z]?\b)\.? ?[A-Z]?\d{{0,3}}\b){{0,4}}"
)

_EASTERN = _any(
    "ul. ulica ulicy aleja pl. plac os. ulice nám. náměstí třída tř. улица ул. проспект пр-т пр. пер. переулок бульвар б-р бул. "
    "площадь пл. шоссе ш. набережная наб. вулиця вул. проезд пр-д οδός"
)
_SLAVIC = (
    rf"(?:{_EASTERN}|(?<!et )al\.) (?:\d{{1,2}}-?(?:й|я|го)? )?{_NAME}(?: {_NAME}){{0,3}},? ?(?:д\.|дом|буд\.|№|nr|č\.)? ?"
    rf"{_YEAR}\d{{1,4}}(?:[/-]\d{{1,4}})?[а-дa-d]?\b(?:,? (?:м|m|кв|оф|стр|корп|к|ap|lok|byt|эт|под|пом)\.? ?\d{{1,4}}\b){{0,4}}"
)
_TURKISH = _any("Caddesi Cad. Sokak Sokağı Sok. Bulvarı Mahallesi utca út tér körút")
_OTHERS = (
    rf"(?<!\w)(?:{_NAME} ){{1,3}}{_TURKISH} ?(?:No ?[:.]? ?)?{_YEAR}\d{{1,4}}(?:[/-]\d{{1,4}})?"
    rf"|(?<!\w)(?:Jalan|Jl\.|Jln\.?|Lorong|Gang) {_NAME}(?: {_NAME}){{0,3}},? (?:No\.? ?)?\d{{1,4}}[A-Z]?"
    r"|[\u4e00-\u9fff]{2,9}(?:路|街|大道|巷|胡同)\d{1,5}[号號]?(?:[\u4e00-\u9fff\d-]{0,8}(?:室|楼|樓|层))?"
    r"|[\u4e00-\u9fff]{1,6}\d{1,3}丁目\d{1,4}(?:番地?|-\d{1,4})(?:\d{1,4}号|-\d{1,4})?"
    r"|[가-힣]{1,8}[로길] ?\d{1,4}(?:-\d{1,4})?(?=[ ,.)\n]|$)"
)
_STREETS = re.compile(
    "|".join(rf"(?<!\w){form}(?!\w)" for form in (_ENGLISH, _BOX, _FRENCH, _SOUTHERN, _SLAVIC, f"(?:{_GERMANIC})"))
    + f"|(?:{_OTHERS})"
)


def streets(text: str) -> Iterator[tuple[int, int]]:
    """Yield street addresses."""
    for match in _STREETS.finditer(text):
        yield match.start(), match.end()
