"""Codes of countries (ISO 3166) and of the states of the USA by name, and the other way round. Pure."""

from collections.abc import Iterator
from typing import Final

from app.query.language.reading.stems import normalized

_COUNTRIES: Final = """
us united states|us usa|us america|gb united kingdom|gb uk|gb great britain|ca canada|au australia|nz new zealand
de germany|fr france|es spain|it italy|pt portugal|nl netherlands|be belgium|ch switzerland|at austria|ie ireland
se sweden|no norway|dk denmark|fi finland|is iceland|pl poland|cz czech republic|cz czechia|sk slovakia|hu hungary
ro romania|bg bulgaria|gr greece|tr turkey|ru russia|ua ukraine|hr croatia|si slovenia|rs serbia|ee estonia|lv latvia
lt lithuania|lu luxembourg|mt malta|cy cyprus|il israel|ae united arab emirates|sa saudi arabia|eg egypt|ma morocco
za south africa|ng nigeria|ke kenya|gh ghana|in india|pk pakistan|bd bangladesh|lk sri lanka|cn china|jp japan
kr south korea|tw taiwan|hk hong kong|sg singapore|my malaysia|th thailand|vn vietnam|id indonesia|ph philippines
mx mexico|br brazil|ar argentina|cl chile|co colombia|pe peru|ve venezuela|uy uruguay|ec ecuador|bo bolivia|cu cuba
"""
_STATES: Final = """
al alabama|ak alaska|az arizona|ar arkansas|ca california|co colorado|ct connecticut|de delaware|fl florida|ga georgia
hi hawaii|id idaho|il illinois|in indiana|ia iowa|ks kansas|ky kentucky|la louisiana|me maine|md maryland
ma massachusetts|mi michigan|mn minnesota|ms mississippi|mo missouri|mt montana|ne nebraska|nv nevada|nh new hampshire
nj new jersey|nm new mexico|ny new york|nc north carolina|nd north dakota|oh ohio|ok oklahoma|or oregon
pa pennsylvania|ri rhode island|sc south carolina|sd south dakota|tn tennessee|tx texas|ut utah|vt vermont|va virginia
wa washington|wv west virginia|wi wisconsin|wy wyoming|dc district of columbia
"""
_DEMONYMS: Final = """
american united states|american usa|american us|british united kingdom|british uk|british great britain
english england|scottish scotland|welsh wales|canadian canada|australian australia|new zealander new zealand
german germany|french france|spanish spain|italian italy|portuguese portugal|dutch netherlands|belgian belgium
swiss switzerland|austrian austria|irish ireland|swedish sweden|norwegian norway|danish denmark|finnish finland
icelandic iceland|polish poland|czech czech republic|czech czechia|slovak slovakia|hungarian hungary|romanian romania
bulgarian bulgaria|greek greece|turkish turkey|russian russia|ukrainian ukraine|croatian croatia
slovenian slovenia|serbian serbia|estonian estonia|latvian latvia|lithuanian lithuania|maltese malta|cypriot cyprus
israeli israel|emirati united arab emirates|saudi saudi arabia|egyptian egypt|moroccan morocco
south african south africa|nigerian nigeria|kenyan kenya|ghanaian ghana|senegalese senegal|cameroonian cameroon
ivorian ivory coast|algerian algeria|tunisian tunisia|indian india|pakistani pakistan|bangladeshi bangladesh
chinese china|japanese japan|korean south korea|south korean south korea|taiwanese taiwan|singaporean singapore
malaysian malaysia|thai thailand|vietnamese vietnam|indonesian indonesia|filipino philippines|mexican mexico
brazilian brazil|argentine argentina|argentinian argentina|chilean chile|colombian colombia|peruvian peru
venezuelan venezuela|uruguayan uruguay|ecuadorian ecuador|bolivian bolivia|cuban cuba|jamaican jamaica
"""
"""What is of a country, and the country."""


def _entries(text: str) -> list[tuple[str, str]]:
    pairs = (entry.strip().partition(" ") for line in text.strip().splitlines() for entry in line.split("|"))
    return [(code, name) for code, _, name in pairs]


_BY_NAME: Final[dict[str, list[tuple[str, str]]]] = {}
_BY_CODE: Final[dict[tuple[str, str], list[str]]] = {}
for _kind, _text in (("country", _COUNTRIES), ("state", _STATES)):
    for _code, _name in _entries(_text):
        _BY_NAME.setdefault(_name, []).append((_kind, _code.upper()))
        _BY_CODE.setdefault((_kind, _code), []).append(_name)

_OF_COUNTRY: Final[dict[str, list[str]]] = {}
_DEMONYMS_OF: Final[dict[str, list[str]]] = {}
for _line in _DEMONYMS.strip().splitlines():
    for _pair in _line.split("|"):
        _head = 2 if _pair.startswith(("new zealander", "south african", "south korean")) else 1
        _demonym, _country = " ".join(_pair.split()[:_head]), " ".join(_pair.split()[_head:])
        _OF_COUNTRY.setdefault(_demonym, []).append(_country)
        _DEMONYMS_OF.setdefault(_country, []).append(_demonym)


def of_countries(text: str) -> Iterator[str]:
    """For what is of a country its names and code, and for the name of a country what is of it: Dutch, Netherlands."""
    plain = normalized(text)
    for country in _OF_COUNTRY.get(plain, ()):
        yield country
        yield from (code for kind, code in codes_of(country) if kind == "country")
    yield from _DEMONYMS_OF.get(plain, ())


def codes_of(text: str) -> Iterator[tuple[str, str]]:
    """For the name of a country or state its code, for a code or another name its names, each with its kind."""
    plain = normalized(text)
    for kind, code in _BY_NAME.get(plain, ()):
        yield kind, code
        for name in _BY_CODE[kind, code.lower()]:
            if name != plain:
                yield kind, name
    for kind in ("country", "state"):
        for name in _BY_CODE.get((kind, plain), ()):
            yield kind, name
