"""What the demonstration asks: analytical questions over joined tables, each answered through preview and execution."""

QUERIES: tuple[tuple[str, str], ...] = (
    (
        "Which airlines fly most from New York, and how late do they arrive?",
        """SELECT a.name AS airline, count(*) AS flights, round(avg(f.arr_delay)::numeric, 1) AS mean_arrival_delay_min
           FROM flights f JOIN airlines a ON a.carrier = f.carrier
           GROUP BY a.name ORDER BY flights DESC LIMIT 10""",
    ),
    (
        "Where do most flights go, and how far is it?",
        """SELECT d.name AS destination, count(*) AS flights, max(f.distance) AS miles
           FROM flights f JOIN airports d ON d.faa = f.dest
           GROUP BY d.name ORDER BY flights DESC LIMIT 10""",
    ),
    (
        "Who made the planes, and how old were they in 2013?",
        """SELECT p.manufacturer, count(DISTINCT p.tailnum) AS planes, count(*) AS flights,
                  round(avg(2013 - p.year), 1) AS mean_age_years
           FROM flights f JOIN planes p ON p.tailnum = f.tailnum
           GROUP BY p.manufacturer HAVING count(*) > 1000 ORDER BY flights DESC""",
    ),
    (
        "Does wind delay departures?",
        """SELECT width_bucket(w.wind_speed, 0, 40, 4) * 10 AS wind_below_mph, count(*) AS flights,
                  round(avg(f.dep_delay)::numeric, 1) AS mean_departure_delay_min
           FROM flights f JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour
           WHERE w.wind_speed IS NOT NULL
           GROUP BY 1 ORDER BY 1""",
    ),
    (
        "Which month is worst at each airport of New York?",
        """WITH monthly AS (
             SELECT f.origin, f.month, avg(f.dep_delay) AS delay,
                    count(*) FILTER (WHERE f.dep_time IS NULL) AS cancelled
             FROM flights f GROUP BY f.origin, f.month
           ), ranked AS (
             SELECT m.origin, m.month, m.delay, m.cancelled,
                    rank() OVER (PARTITION BY m.origin ORDER BY m.delay DESC) AS place
             FROM monthly m
           )
           SELECT o.name AS airport, r.month, round(r.delay::numeric, 1) AS mean_departure_delay_min, r.cancelled
           FROM ranked r JOIN airports o ON o.faa = r.origin WHERE r.place = 1 ORDER BY airport""",
    ),
    (
        "Which airlines lose most flights to bad visibility?",
        """SELECT a.name AS airline, count(*) AS flights,
                  count(*) FILTER (WHERE f.dep_time IS NULL) AS cancelled,
                  round(100.0 * count(*) FILTER (WHERE f.dep_time IS NULL) / count(*), 1) AS percent_cancelled
           FROM flights f
           JOIN airlines a ON a.carrier = f.carrier
           JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour
           WHERE w.visib < 2
           GROUP BY a.name HAVING count(*) >= 50 ORDER BY percent_cancelled DESC LIMIT 8""",
    ),
    (
        "How fast do the engine types fly?",
        """SELECT p.engine, count(*) AS flights,
                  round(avg(f.distance / (f.air_time / 60.0)), 0) AS mean_ground_speed_mph
           FROM flights f JOIN planes p ON p.tailnum = f.tailnum
           WHERE f.air_time > 0
           GROUP BY p.engine ORDER BY flights DESC""",
    ),
)


QUESTIONS: tuple[str, ...] = (
    "Which 5 airlines have the most flights?",
    "What is the average arrival delay per airline?",
    "Top 5 planes by distance",
)
"""What the demonstration asks in words."""

UNCERTAIN = "Which airports have the most flights?"
"""A question that is refused: flights leave from airports and go to airports, and the words do not say which."""
