"""English words of business of which one may be said for another, each group for one thing. No database's own."""

from typing import Final

_GROUPS: Final = """
employee staff worker personnel colleague member|customer client buyer shopper purchaser patron consumer
user member subscriber listener viewer|player footballer athlete sportsman|agent realtor broker|seller vendor merchant
manager boss supervisor|coach trainer|owner proprietor landlord|tenant renter lessee|technician engineer mechanic
student pupil learner|teacher instructor tutor lecturer|passenger traveler traveller rider|guest visitor
doctor physician clinician|artist musician band performer|author writer novelist|driver chauffeur|curator keeper
donor giver sponsor benefactor|referee umpire|contact person

price cost fee charge rate tariff|cost expense expenditure spend spending outlay|freight shipping shipment
revenue sale income turnover earning proceed|salary wage pay compensation remuneration earning|bill invoice
amount sum value total|discount rebate reduction|tax vat duty|payment remittance|fine penalty|loan credit lending
value worth|profit margin gain|donation gift contribution

product item good article merchandise sku commodity|order purchase|stock inventory|supplier vendor provider
shop store branch outlet|shipment delivery consignment dispatch|parcel package|carrier shipper forwarder haulier
warehouse depot|quantity unit piece|weight mass|reservation booking|return refund|part component|machine device
vehicle car truck van automobile|plant factory site|tool instrument

track song tune|stream play listen listening|duration length runtime|film movie picture|show series program programme
book title|photo image picture|episode installment|genre style|newspaper journal magazine|exhibit artifact artefact
artwork painting piece|exhibition show exhibit|record album|ticket admission entry

attendance crowd spectator audience turnout|team club squad side|match game fixture|stadium arena venue ground
score point mark|league competition tournament|position role|coach manager

property home house residence dwelling|flat apartment|listing offer|showing viewing tour|bedroom room
area size surface|rent rental|unit apartment

ticket case issue request|outage incident disruption failure|score rating grade star|comment review feedback remark
complaint issue|call contact conversation|problem issue fault|severity priority urgency|queue group
plan tariff subscription package|device handset phone|usage consumption use|reading measurement|bill statement

city town municipality|country nation|region territory district zone|location site|state province
address location|street road|street address|postcode zip postal|origin source|destination target

email mail|phone telephone mobile cell cellphone|name title|kind type category class sort|tag label|text content body
department division section|job position role occupation title|brand make manufacturer maker|color colour
gender sex|nationality citizenship|status state condition|level tier grade|contract agreement|leave absence holiday
vacation holiday leave|training course|course class|visit appointment|medicine drug medication|disease illness
illness diagnosis condition|hospital clinic|company firm business organisation organization enterprise
project job|task job todo|message post|description text|reason cause|population inhabitant resident people
creation created registration signup joined registered signed|hire hired hiring joined employed recruited
birth born birthday|death died|founded established founding|built build construction constructed
start begin beginning commencement|end finish completion closing|closed resolved|opened opening
"""

LIKE_WORDS: Final[dict[str, tuple[str, ...]]] = {}
"""By word, in the singular, the words that may be meant by it."""
for _group in _GROUPS.replace("\n", "|").split("|"):
    for _word in _group.split():
        _like = (*LIKE_WORDS.get(_word, ()), *(each for each in _group.split() if each != _word))
        LIKE_WORDS[_word] = tuple(dict.fromkeys(_like))
