"""Words of data in general: parts of glued names, short forms, and words that mean the same. No database's own."""

from typing import Final

WORDS: Final = frozenset(
    """
    account active actual address admin age agent airline airport album amount answer application appointment area
    arrival article artist asset assignment attendance author average award bank bed bill birth blood board book
    booking box brand branch budget building business buyer campaign campus capacity capital car card cargo carrier
    case cash category census center channel charge city claim class client clinic close closing code collection
    college color comment commission company condition conference contact content continent contract cost country
    county coupon course coverage created credit currency current customer daily data date day dealer death debit
    delivery demand department departure deposit depth destination device diagnosis discount distance district
    doctor document domain dose drug due duration education email employee employer end engine enrollment entry
    equipment event exam exchange expense expiry express facility factory failed fare fee field file film final first
    flight floor food forecast form frequency fuel full gas gender genre grade gross group guest head health height
    high hire history holiday home hospital hotel hour house id image income index industry insurance interest inventory
    invoice item job join journal journey key keyword kind land language last lead length lesson level library license
    line link list load loan location login low machine mail main make manager manufacturer margin market mark material
    max media medical member membership message method metric mileage min minute model money month monthly movie name
    nationality neighborhood net network note number occupation offer office open opening option order organization
    origin outcome output owner page paid parent part participant party passenger password patient payment pending
    percent performance period person phone photo place plan plane plant platform player playlist point policy
    population port position post postal price priority product profile profit program project property provider
    province publication publisher purchase quality quantity quarter query question rank rate rating ratio reason
    receipt record redemption reference refund region registration release rent report request reservation result
    return revenue review reward risk role room route row salary sale sales sample schedule school score season seat
    section sector segment seller semester sender sensor serial service session settlement sex share shares shipment
    shipping shop side signup site size skill source speed staff stage star start state station status stock stop
    store street student style subject subscription successful supplier supply symbol symptom system table tag target
    task tax teacher team temperature term text theater ticker ticket time tip title token topic total tour town track
    trade train training transaction transfer travel treatment trip truck type unit university update updated url usage
    use user username value van vehicle vendor version view visit volume vote warehouse weather week weekly weight
    width year yearly zip zone gpa credit credits instructor semester area mountain lake river state capital highest
    lowest point border population density adverse placebo drug concept tumor skin itch severity specialty doctor
    salesperson salespersons sale trunk vin make model engine crtd upd method made received date dt ts epoch ms
    """.split()  # noqa: SIM905 - a list of hundreds of quoted words is read by nobody
)

SHORT_FORMS: Final = {
    "dt": "date", "ts": "time", "amt": "amount", "qty": "quantity", "nbr": "number", "num": "number", "no": "number",
    "cnt": "count", "desc": "description", "descr": "description", "addr": "address", "ccy": "currency",
    "curr": "currency", "tel": "phone", "telephone": "phone", "yr": "year", "mth": "month", "mon": "month",
    "dob": "birth date", "avg": "average", "temp": "temperature", "pct": "percent", "perc": "percent", "st": "state",
    "prev": "previous", "cur": "current",
    "mfg": "manufacturer", "mgr": "manager", "pop": "population", "pmt": "payment",
    "tot": "total", "ref": "reference", "upd": "updated", "crtd": "created", "wt": "weight", "ht": "height",
    "spec": "specialty", "reg": "registration", "cust": "customer", "tx": "transaction", "txn": "transaction",
    "acct": "account", "emp": "employee", "dept": "department", "org": "organization", "prod": "product",
    "cat": "category", "sku": "product code", "doc": "doctor", "diag": "diagnosis", "ins": "insurance",
    "arr": "arrival", "dep": "departure", "sched": "scheduled", "dest": "destination", "orig": "origin",
    "lat": "latitude", "lon": "longitude", "lng": "longitude", "alt": "altitude", "humid": "humidity",
    "precip": "precipitation", "visib": "visibility", "fname": "first name", "lname": "last name",
    "firstname": "first name", "lastname": "last name", "nm": "name", "prc": "price", "ctry": "country",
    "cntry": "country", "cd": "code", "stat": "status", "sts": "status", "flg": "flag", "typ": "type", "grp": "group",
    "lvl": "level", "ord": "order", "itm": "item", "inv": "invoice", "bal": "balance", "sal": "salary",
    "dur": "duration", "dist": "distance", "usr": "user", "pymt": "payment", "trx": "transaction", "eml": "email",
    "phn": "phone", "supp": "supplier", "whse": "warehouse", "mgmt": "management", "hr": "hour", "hrs": "hours",
    "mins": "minutes", "secs": "seconds", "strt": "start", "lst": "last", "fst": "first", "fullname": "full name",
}  # fmt: skip
"""What short words in names stand for, where a name has nothing longer."""

_CREATED: Final = "creation created registration signup joined join registered"

SAME: Final[tuple[frozenset[str], ...]] = tuple(
    frozenset(group.split())
    for group in (
        "customer client buyer shopper user", "employee staff worker", "supplier vendor", "film movie",
        "paper publication article", "company firm", "price cost", "city town", "phone telephone", "doctor physician",
        "teacher instructor professor", "car vehicle automobile", "picture photo image", "wage salary pay",
        "zip postal postcode", "country nation", "purchase order", "salesperson salesman", "category type kind genre",
        "neighborhood neighbourhood", "organization organisation", "location place", "id identifier", "mail email",
        "birthday birth", "gender sex", "amount value", "drug medication medicine", "job occupation",
        "cuisine food", "start begin beginning", "end finish", _CREATED,
        "updated modified update", "login signin", "kilometer km", "people population",
        "inhabitant population resident", "large area size", "big area size", "date day", "time date", "flight trip",
    )
)  # fmt: skip
"""Words of which one may stand for another in the name of a table or column."""

SYNONYMS: Final = {word: frozenset().union(*(group for group in SAME if word in group)) - {word}
                   for group in SAME for word in group}  # fmt: skip
