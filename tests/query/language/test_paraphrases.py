"""Groups of questions that mean the same over the shop, and must be the same statement."""

import re

import pytest

from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation
from tests.query.language.shop import SHOP

ENGINE = Engine(SHOP)
_GROUPS = """
customers in Berlin | show me the customers in Berlin | which customers live in Berlin? | give me all customers from
    Berlin | list customers located in Berlin | customers whose city is Berlin | customers with city Berlin |
    customers where city = Berlin | What are the customers in Berlin
how many customers are there | number of customers | count the customers | what is the number of customers | how
    many customers do we have | count of customers | total number of customers | tell me how many customers exist
how many orders per status | number of orders by status | count of orders for each status | orders count per status
    | for each status, how many orders are there | how many orders does each status have | number of orders grouped
    by status
average price of products | what is the average price of products | mean price of products | average product price |
    what is the mean price of the products | avg price of products
total amount of paid orders | sum of total amount of paid orders | total amount of orders that are paid | what is
    the total amount of orders with status paid
products over 20 euros | products with a price over 20 | products with price greater than 20 | products that cost
    more than 20 | products whose price is above 20 | products with price > 20 | products priced above 20 | products
    costing more than 20
products between 10 and 20 euros | products with a price between 10 and 20 | products whose price is between 10 and
    20 | products with prices from 10 to 20 | products priced between 10 and 20
customers without orders | customers with no orders | customers who have no orders | customers that have never
    ordered | customers who don't have any orders | which customers have no orders
the 3 most expensive products | top 3 products by price | 3 most expensive products | the three products with the
    highest price | top three products by price | the 3 products with the highest prices
cheapest product | the cheapest product | product with the lowest price | the product with the lowest price | which
    product has the lowest price | which product is the cheapest
customer with the most orders | which customer has the most orders | who is the customer with the most orders |
    which customer has the highest number of orders | the customer with the largest number of orders
customers with more than 3 orders | customers having more than 3 orders | which customers have more than 3 orders |
    customers who have more than three orders | customers that have over 3 orders
orders in 2024 | orders from 2024 | orders placed in 2024 | orders made in 2024 | orders during 2024
orders in March 2025 | orders placed in March 2025 | orders from March 2025 | orders during March 2025 | orders of
    March 2025
orders since 1 March 2025 | orders since March 1, 2025 | orders since 2025-03-01 | orders placed since March 1st,
    2025
orders per month | orders by month | monthly orders | number of orders per month | how many orders are there per
    month | number of orders each month
revenue per month | monthly revenue | revenue by month | revenue for each month
distinct cities of customers | different cities of customers | unique cities of customers | what are the different
    cities of customers | list the distinct cities of customers
names of customers | customer names | the names of all customers | list the names of customers | what are the names
    of the customers | show customer names
names and emails of customers | name and email of customers
customers ordered by age | customers sorted by age | list customers in order of age | customers ordered by age
    ascending
customers by age descending | customers sorted by age in descending order | customers ordered by age, highest first
    | customers ordered by age from highest to lowest | customers ordered by age desc
the oldest customer | oldest customer | who is the oldest customer | which customer is the oldest | the customer
    with the highest age
products not in Garden | products that are not in Garden | products not in the category Garden | products whose
    category is not Garden | products other than Garden
orders that are not paid | orders not paid | orders which are not paid
active customers | customers who are active | customers that are active | which customers are active
inactive customers | customers who are not active | customers that are inactive | customers that aren't active
customers older than 30 | customers above age 30 | customers with age over 30 | customers whose age is greater than
    30 | customers with an age of more than 30 | customers aged over 30
customers aged 30 | customers whose age is 30 | customers with age 30 | customers with age = 30 | customers of age
    30
names starting with A of customers | customers whose name starts with A | customers with a name beginning with A |
    customers with names starting with A
products containing "Kettle" | products whose name contains "Kettle" | products with a name containing "Kettle"
customers in Berlin or Paris | customers in Berlin and Paris | customers from Berlin or from Paris | customers in
    either Berlin or Paris
orders of Ada Lovelace | orders by Ada Lovelace | Ada Lovelace's orders | orders placed by Ada Lovelace | orders
    made by Ada Lovelace | orders for Ada Lovelace
percentage of orders that are paid | what percentage of orders are paid | percent of orders that are paid | what
    share of orders are paid | percentage of paid orders
average number of orders per customer | mean number of orders per customer | what is the average number of orders
    per customer | average orders per customer
number of customers per country and city | customers by country and city | how many customers per country and per
    city | how many customers are there in each country and city
products of each supplier | number of products per supplier | how many products does each supplier have | product
    count by supplier
highest price of products | what is the highest price of products |
    maximum price of products | max product price | maximum product price
most common status of orders | most frequent status of orders
orders yesterday | orders placed yesterday | yesterday's orders | orders made yesterday
orders last month | orders placed last month | last month's orders | orders in the last month | orders from last
    month | orders of the previous month
customers from Germany | customers in Germany | customers whose country is Germany | customers with country DE
products above the average price | products with a price above the average | products more expensive than average |
    products that cost more than the average price | products with an above average price
suppliers with at least 5 products | suppliers that have at least 5 products | suppliers having 5 or more products |
    suppliers with 5 or more products | suppliers with no fewer than 5 products
total quantity of order items per product | total quantity by product | sum of quantity per product
"""
GROUPS = [re.sub(r"\s+", " ", group).split(" | ") for group in re.split(r"\n(?=\S)", _GROUPS.strip())]


def sql_of(question: str) -> str:
    """The SQL of a question that is answered."""
    found = ENGINE.interpret(question)
    assert isinstance(found, Interpretation), f"{question}: {found}"
    return found.sql


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0])
def test_the_same_in_other_words(group: list[str]) -> None:
    first, *others = group
    assert {each: sql_of(each) for each in others} == dict.fromkeys(others, sql_of(first))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0])
def test_signs_and_manners_change_nothing(group: list[str]) -> None:
    question = group[0].rstrip("?")
    forms = (f"{question}?", f"{question}.", f"  {question} !", f"{question} please", f"Could you show me {question}?")
    if not question.startswith(("how many", "for each", "count")):
        forms = (*forms, f"List {question}", f"what are {question}", f"Please give me {question}.")
    assert {form: sql_of(form) for form in forms} == dict.fromkeys(forms, sql_of(question))
