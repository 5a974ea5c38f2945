"""Words that say what to do with tables and columns: count, compare, group, order. English in general. Pure."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a word or phrase does in a question."""

    COUNT = "count"
    AGGREGATE = "aggregate"
    EACH = "each"
    BY = "by"
    COMPARE = "compare"
    BETWEEN = "between"
    AND = "and"
    OR = "or"
    NOT = "not"
    WITHOUT = "without"
    SUPERLATIVE = "superlative"
    COMMON = "common"
    TOP = "top"
    ORDER = "order"
    DIRECTION = "direction"
    LIKE = "like"
    RATIO = "ratio"
    PERCENT = "percent"
    OUT_OF = "out of"
    TO = "to"
    DISTINCT = "distinct"
    RETURN = "return"
    WHICH = "which"
    HAVE = "have"
    RELATIVE = "relative"
    PREPOSITION = "preposition"
    BOTH = "both"
    EMPTY = "empty"
    SAME = "same"
    UNIT = "unit"
    FILLER = "filler"
    OR_MORE = "or more"
    ADVICE = "advice"
    ARITHMETIC = "arithmetic"


_TABLE: Final = """
count: how many | number of | total number of | the number of | count of | total count of | how many total |
  how many times | the total number of | a count of | numbers of | total numbers of | amount of times | how often |
  respective counts | respective count | annual numbers of | quantity of | count the number of | count how many |
  count the | count all
count/bare: count | counts | tally
aggregate/avg: average | avg | mean | on average
aggregate/median: median
aggregate/sum: total | sum of | sum | total sum of | combined | overall total | cumulative | how much | total of
aggregate/max: maximum | max | peak
aggregate/min: minimum | min
each: each | per | every | for each | for every | in each | of each | by each | at each | within each | grouped by |
  group by | group the results by | broken down by | split by | break down by | separated by | across each |
  across all | for each of the | respective | according to | segmented by | aggregated by | across | over the
filler: how does | how do | how does the | how did | as well | did he | did she | he | she | differ | vary | change |
  changed | this database | case insensitively | could you | can you | will you | i want to | i would like to |
  in total | altogether | final answer | i'd like to know | i'd like to see | i'd like to have | i'd like |
  i would like to know | i would like to see | i would like to have | i would like | i want to know | i want to see |
  we'd like to know | we'd like to see | we would like to know | we would like to see | we need to know |
  i need to know | i wonder | we want to know | we want to see | would you | do we have | what about | how about |
  of them | of those | combinations of | combination of | different combinations of | pairs of
filler/week: of the week | of week
each: differ across | vary across | change over | change over the | vary by | differ by | change by | vary with |
  by different | across different | each of the | change with
and: but | followed by
arithmetic/*: times | multiplied by
arithmetic/-: minus
relative: only include | counting only | considering only | only consider | consider only | only considering |
  considering | consider | assume | assuming |
  only count | restricted to | limited to | limit to | filter by | filtered by | filter for
by: by | in terms of | based on | with respect to | ranked by | measured by
compare/>: more than | greater than | larger than | bigger than | higher than | over | above | exceeding | exceeds |
  exceed | longer than | older than | heavier than | more expensive than | costlier than | in excess of |
  strictly greater than | costing more than | taller than | faster than | later than
compare/<: less than | fewer than | lower than | smaller than | under | below | shorter than | younger than |
  cheaper than | lighter than | strictly less than | slower than | earlier than
compare/>=: at least | no less than | not less than | no fewer than | minimum of | greater than or equal to |
  more than or equal to | not below | a minimum of | starting from at least
compare/<=: at most | no more than | not more than | up to | less than or equal to | maximum of | not above |
  a maximum of | not exceeding | within
compare/>=: with no less than | with no fewer than | have no less than | have no fewer than
compare/<=: with no more than | have no more than
compare/=: equal to | equals | exactly | equal | is equal to | equalling
compare/<>: not equal to | different from | other than | differs from
between: between | in the range of | ranging from
or more/>=: or more | or higher | or greater | or above | or over | and above | or longer | or later
or more/<=: or less | or fewer | or lower | or below | or under | and below | or shorter | or earlier
and: and | as well as | along with | together with | and also | plus | and their corresponding | alongside
or: or
both: both
not: not | non | except | excluding | except for | aren't | isn't | is not | are not | wasn't | was not | were not |
  never | don't | doesn't | didn't | haven't | hasn't | other | do not | does not | did not | have not | has not |
  had not | cannot | have never | has never | not including | have not been | has not been | do not include | exclude
without: without | without any | no | with no | have no | has no | had no | lacking | lack | not have any | without a
  | do not have | do not have any | does not have any | does not have | don't have | don't have any | doesn't have |
  did not have | did not have any | have not had any | not any | zero | with zero | missing | lacks | not part of any
  | are not part of any | is not part of any | not belong to any | do not belong to any
superlative/desc: most | highest | largest | biggest | greatest | most number of | longest | best | maximum number of
  | highest number of | largest number of | the highest | the most | tallest | heaviest | most total | fastest |
  deepest | strongest | widest | hottest | warmest | richest | farthest | furthest | most valuable | most populous |
  most profitable | wealthiest | most crowded | greatest number of | largest amount of |
  biggest number of | highest count of | most amount of
superlative/asc: least | lowest | smallest | fewest | shortest | worst | lowest number of | smallest number of |
  least number of | lightest | slowest | narrowest | coldest | coolest | poorest | closest | nearest | least valuable |
  least profitable | fewest number of | minimum number of
superlative/late: latest | newest | most recent | youngest | most recently
superlative/early: earliest | oldest | least recent
superlative/dear: most expensive | dearest | highest priced | priciest | costliest | most costly
superlative/cheap: cheapest | lowest priced | least expensive | most affordable
common/desc: most common | most popular | most frequent | most frequently used | most frequently | most used |
  most often used | commonest | busiest | most commonly used | most commonly | most often | most active
common/asc: quietest | least common | least popular | least frequent | least frequently used | least used |
  rarest | least active
top/desc: top | first | the top | leading
top/asc: bottom | last | the bottom
order: order by | ordered by | sort by | sorted by | order the results by | sort the results by |
  order results by | sort results by | order them by | sort them by | arranged by | ordered | sorted | order | sort |
  order the results | sort the results | order it by | rank by | in order of | rank them by | ordering by |
  listed by | starting from | order by the | rank
direction/desc: in descending order | descending order | descending | desc | in descending | in decreasing order |
  from highest to lowest | highest to lowest | highest first | largest first | from most to least |
  from largest to smallest | decreasing | from high to low | in reverse order | reverse alphabetical order |
  from best to worst | most first | best first | newest first | latest first | from the best to the lowest |
  from newest to oldest | from the highest to the lowest | from longest to shortest | longest first |
  with the longest first | with the highest first | with the largest first | with the most first | most recent first |
  from most recent to oldest | in reverse chronological order |
  reverse chronological order | starting with the highest | starting from the highest | starting with the most recent |
  starting with the latest
direction/older: from oldest to youngest | from the oldest to the youngest | oldest to youngest
direction/younger: from youngest to oldest | from the youngest to the oldest | youngest to oldest
direction/asc: in ascending order | ascending order | ascending | asc | in ascending | in increasing order |
  alphabetically | in alphabetical order | alphabetical order | from lowest to highest | lowest to highest |
  lowest first | smallest first | increasing | from least to most | from smallest to largest | oldest first |
  earliest first | chronologically | in chronological order | from low to high | from a to z | from oldest to newest |
  from earliest to latest | starting from the earliest date | starting from the earliest | starting with the earliest
  | starting from the lowest | alphabetic order | from shortest to longest | from worst to best |
  with the lowest first | with the smallest first
like/contains: contains | contain | containing | includes the word | including the word | includes | that include |
  has the word | have the word | contains the word | containing the word | like | with the word | matching |
  contains the term | containing the term | contains the string
like/starts: starts with | start with | starting with | starting with the letter | begins with | begin with |
  beginning with | starts with the letter | start with the letter | begin with the letter | begins with the letter |
  starting with letter | prefixed with
like/ends: ends with | end with | ending with | ends in | ending in | ends with the letter | end with the letter |
  ending with the letter | end in
ratio: ratio of | the ratio of | ratio between | ratio
percent: how many percent of | how many percent | what portion of | portion of | percentage of |
  percent of | what percentage of | what percent of | what share of | proportion of | share of
  | fraction of | what proportion of | what fraction of | percentage | the percentage of | success rate of
out of: out of | out of the total | divided by | over the total | relative to
to: to | compared to | versus | vs
distinct: distinct | unique | different | distinct list of | unique list of | distinct number of | non duplicate
return: return | give | show | list | display | include | find | get | retrieve | fetch | provide | output | tell |
  report | name | identify | select | enumerate | show only | only include | only show | calculate | compute |
  determine
which: which | what | who | whom | what's | what are | what is | whats
have: have | has | had | with | having | with a | with an | having a | have a | has a | that has | where the
relative: that | whose | where | when | who have | who has | such that | for which | if
preposition: in | of | for | at | from | on | into | within the | among | amongst | during | through | via | inside |
  under the | in the | of the | for the | at the | from the | on the | around | near | throughout | about
empty/null: null | empty | unknown | unspecified | not set | not specified | blank | is null | is empty | is missing |
  are missing | unassigned
empty/not null: not null | is not null | not empty | is known | is set | is specified | non null
advice: how do i | how do we | how do you | how can i | how can we | how can you | how to | how should i | how should we
same: same | the same | the same as | as many as
unit/day: day | daily | days | date
unit/week: week | weekly | weeks
unit/month: month | monthly | months
unit/quarter: quarter | quarterly | quarters
unit/year: year | yearly | years | annual | annually
"""
"""By role (and detail) the phrases that have it. A later line wins over an earlier one."""


def _entries(text: str) -> Iterator[tuple[str, tuple[Role, str]]]:
    """The phrases of the table, each with its role and detail."""
    for entry in re.split(r"\n(?=\S)", text.strip()):
        head, _, phrases = entry.partition(": ")
        role, _, detail = head.partition("/")
        for phrase in phrases.split("|"):
            yield " ".join(phrase.split()), (Role(role), detail)


PHRASES: Final[Mapping[str, tuple[Role, str]]] = {
    phrase: role for phrase, role in _entries(_TABLE) if not phrase.startswith("the ") or role[0] is Role.SAME
}
"""By phrase in lower case what it does, and how; articles before it are fillers."""

FILLERS: Final = frozenset(
    """
    a an the is are was were be been being am do does did please me us i we you our my it its this these those there
    their they them he she his her all any some can could would may let's lets want need know
    like see of as so also overall respectively results result list lists entire whole database db table tables record
    records row rows data just only then than what's whats associated corresponding given available exist exists
    existing currently there's values value details detail information info hello hi thanks thank kindly number's
    following different type's each's ever yet still out up off used recorded registered total's themselves itself
    together following particular specific certain various many much few per's id's along final answer query
    inclusive exclusive money either corresponding correspondingly case
    insensitively insensitive sensitively return's number amounts numbers
    """.split()  # noqa: SIM905 - likewise
)
"""Words that add nothing to what is asked."""

LINKING_VERBS: Final = frozenset(
    """
    located based situated living live lives belong belongs belonging made make makes place placed places offer offers
    offered offering serve serves served serving sell sells sold selling buy buys bought buying purchase purchased
    purchases order ordered written write writes wrote publish published publishes present presented presents post
    posted posts receive received receives receiving send sent sends sending issue issued issues used use uses using
    contain contained own owned owns owning work works worked working employ employed employs associated related
    linked connected assigned involved involving participate participated participates attend attended attends
    attending teach teaches taught teaching take takes taken took taking enroll enrolled study studies create created
    creates occur occurred occurs happen happened happens belong get gets got getting go goes went come comes came
    provide provided provides conduct conducted perform performed performs pay pays paid paying spend spent spends earn
    earned earns play played plays win won wins appear appears appeared hold held holds give gave given cited cite
    cites citing done submit submitted reviewed visit visited visits book booked books rent rented rents depart
    departs departing arrive arrives arriving fly flies flying leave leaves leaving left operate operated
    operates deliver
    delivered delivers ship shipped ships supply supplied supplies produce produced produces sent transact transacted
    process processed run runs treat treated treats diagnose diagnosed prescribe prescribed prescribes found register
    registered joined complete completed record recorded obtain obtained generate generated generates say says called
    named titled known considered listed covering cover covers starting start end ended happen drive drives driven
    stay stayed stays flow flows pass passes border borders bordering run running lie lies lying signed signing signup
    hired traded trade trades trading offered handle handled handles manufactured made redeemed opened closed built
    bear bears born die died released charged billed refunded tested measured flew flown sat ran ride rides rode
    aged weigh weighs weighed borrow borrows borrowed lend lends lent owe owes owed deal deals dealt lead leads led meet
    meets met wear wears wore catch caught fill filled grow grows grew sponsor sponsors direct directs star stars
    """.split()  # noqa: SIM905 - likewise
)
"""Verbs between two things that only say that they belong together; which way is what the join says."""

LONGEST_PHRASE: Final = max(len(phrase.split()) for phrase in PHRASES)
