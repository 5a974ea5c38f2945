"""Logs of the families that the generator knows, each with what a reader expects of its events.

`events` are the events as Splunk must break them; `values` are, by the number of an event, values that some field of
that event must have.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Log:
    """One log: its lines, the events, values expected by event, and the wall clock of the first event's time."""

    name: str
    kind: str
    lines: str
    values: dict[int, tuple[str, ...]]
    first_time: str | None
    events: tuple[str, ...] = field(default=())

    @property
    def expected_events(self) -> tuple[str, ...]:
        """The events; each line is one where nothing else is said."""
        return self.events or tuple(line for line in self.lines.split("\n") if line.strip())


VPN = Log(
    "acme-vpn",
    "pairs",
    """\
<134>Mar  4 09:15:01 gw1 acmevpn[811]: event=login user="maria lopez" src=198.51.100.7 srcport=50122 result=success group="Sales EMEA" duration=0
<134>Mar  4 09:15:44 gw1 acmevpn[811]: event=login user="j.chen" src=203.0.113.9 srcport=61120 result=failure reason="bad password" group=Finance duration=0
<134>Mar  4 09:21:10 gw2 acmevpn[94]: event=logout user="maria lopez" src=198.51.100.7 srcport=50122 result=success group="Sales EMEA" duration=369
<134>Mar  4 09:30:12 gw2 acmevpn[94]: event=login user=ops src=192.0.2.40 srcport=40001 result=success group=Ops duration=0
""",
    {
        0: ("maria lopez", "198.51.100.7", "50122", "Sales EMEA", "gw1", "acmevpn", "811"),
        1: ("bad password", "Finance"),
    },
    "03-04 09:15:01",
)
JAVA = Log(
    "billing",
    "library",
    """\
2026-02-03 10:00:00,125 INFO  [http-1] com.example.billing.Invoices: Created invoice 4711 for customer 88
2026-02-03 10:00:01,007 ERROR [http-2] com.example.billing.Payments: Payment failed
java.lang.IllegalStateException: no route to bank
\tat com.example.billing.Payments.pay(Payments.java:88)
\tat com.example.billing.Http.post(Http.java:12)
Caused by: java.net.ConnectException: refused
\t... 12 more
2026-02-03 10:00:02,500 WARN  [main] com.example.billing.Jobs: Job 12 took 3400 ms
""",
    {
        0: ("INFO", "http-1", "com.example.billing.Invoices", "4711", "88"),
        1: ("ERROR", "com.example.billing.Payments", "java.lang.IllegalStateException"),
        2: ("WARN", "main", "12", "3400"),
    },
    "2026-02-03 10:00:00.125",
    (
        "2026-02-03 10:00:00,125 INFO  [http-1] com.example.billing.Invoices: Created invoice 4711 for customer 88",
        "2026-02-03 10:00:01,007 ERROR [http-2] com.example.billing.Payments: Payment failed\n"
        "java.lang.IllegalStateException: no route to bank\n\tat com.example.billing.Payments.pay(Payments.java:88)\n"
        "\tat com.example.billing.Http.post(Http.java:12)\nCaused by: java.net.ConnectException: refused\n\t... 12 more",
        "2026-02-03 10:00:02,500 WARN  [main] com.example.billing.Jobs: Job 12 took 3400 ms",
    ),
)
JSON_LINES = Log(
    "shop",
    "json",
    """\
{"ts":"2026-05-01T12:00:00.250Z","level":"info","http":{"method":"GET","status":200,"path":"/cart"},"tags":["a","b"]}
{"ts":"2026-05-01T12:00:01.000Z","level":"warn","http":{"method":"POST","status":500,"path":"/pay"},"tags":[]}
{"ts":"2026-05-01T12:00:01.700Z","level":"info","http":{"method":"GET","status":304,"path":"/"},"tags":["c"]}
""",
    {0: ("info", "GET", "200", "/cart", "a", "b"), 1: ("warn", "500", "/pay")},
    "2026-05-01 12:00:00.250",
)
PRETTY = Log(
    "pretty",
    "json",
    """\
{
  "time": "2026-05-01T12:00:00Z",
  "user": {"name": "ada", "id": 7}
}
{
  "time": "2026-05-01T12:00:09Z",
  "user": {"name": "bob", "id": 8}
}
""",
    {0: ("ada", "7"), 1: ("bob", "8")},
    "2026-05-01 12:00:00",
    (
        '{\n  "time": "2026-05-01T12:00:00Z",\n  "user": {"name": "ada", "id": 7}\n}',
        '{\n  "time": "2026-05-01T12:00:09Z",\n  "user": {"name": "bob", "id": 8}\n}',
    ),
)
MIXED_JSON = Log(
    "mixed",
    "json",
    """\
time="2026-03-01T08:00:00Z" level=info msg="server started" port=8443
{"time":"2026-03-01T08:00:05Z","level":"error","msg":"no such user","user":"eve"}
time="2026-03-01T08:00:09Z" level=warning msg="slow answer" took=3.2s
{"time":"2026-03-01T08:00:11Z","level":"info","msg":"stopped"}
""",
    {0: ("server started", "8443"), 1: ("no such user", "eve"), 2: ("slow answer", "3.2s"), 3: ("stopped",)},
    "2026-03-01 08:00:00",
)
ACCESS = Log(
    "web",
    "access",
    """\
192.0.2.1 - - [10/Oct/2025:13:55:36 +0200] "GET /a/b.html?x=1 HTTP/1.1" 200 2326 "-" "Mozilla/5.0 (X11)"
2001:db8::5 - frank [10/Oct/2025:13:55:38 +0200] "POST /login HTTP/2.0" 302 - "https://example.org/" "curl/8.0"
shop.example.org 192.0.2.9 - - [10/Oct/2025:13:55:40 +0200] "GET / HTTP/1.1" 404 12 "-" "-"
192.0.2.1 - - [10/Oct/2025:13:55:44 +0200] "-" 408 0 "-" "-"
""",
    {
        0: ("192.0.2.1", "GET", "/a/b.html", "x=1", "1.1", "200", "2326", "Mozilla/5.0 (X11)"),
        1: ("2001:db8::5", "frank", "POST", "302", "https://example.org/"),
        2: ("shop.example.org", "192.0.2.9", "404"),
        3: ("408", "0"),
    },
    "2025-10-10 13:55:36",
)
CEF = Log(
    "cef",
    "cef",
    """\
Jan 12 10:00:00 fw CEF:0|Acme|Gate|2.1|100|Login ok|3|src=192.0.2.5 suser=ada lovelace cs1Label=Rule cs1=allow all msg=User logged in
Jan 12 10:00:03 fw CEF:0|Acme|Gate|2.1|101|Login failed|7|src=192.0.2.6 suser=bob cs1Label=Rule cs1=deny msg=Wrong password a\\=b
Jan 12 10:00:07 fw CEF:0|Acme|Gate|2.1|100|Login ok|3|src=192.0.2.7 suser=eve cs1Label=Rule cs1=allow vpn msg=User logged in
""",
    {0: ("Acme", "Gate", "2.1", "100", "Login ok", "192.0.2.5", "ada lovelace", "allow all"), 1: ("bob", "7", "deny")},
    "01-12 10:00:00",
)
LEEF = Log(
    "leef",
    "leef",
    "Jan 12 10:00:00 fw LEEF:1.0|Acme|Gate|2.1|deny|src=192.0.2.5\tdst=198.51.100.1\tusrName=ada lovelace\tsev=5\n"
    "Jan 12 10:00:04 fw LEEF:1.0|Acme|Gate|2.1|allow|src=192.0.2.6\tdst=198.51.100.2\tusrName=bob\tsev=2\n"
    "Jan 12 10:00:05 fw LEEF:1.0|Acme|Gate|2.1|allow|src=192.0.2.8\tdst=198.51.100.2\tusrName=eve\tsev=2\n",
    {0: ("Acme", "deny", "192.0.2.5", "198.51.100.1", "ada lovelace", "5"), 1: ("bob",)},
    "01-12 10:00:00",
)
W3C = Log(
    "w3c",
    "described",
    """\
#Software: Example 1.0
#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)
2026-01-02 03:04:05 192.0.2.4 GET /index.html 200 Mozilla/5.0+(X11)
2026-01-02 03:04:06 192.0.2.5 POST /form 302 curl/8.0
2026-01-02 03:04:09 192.0.2.6 GET /x 404 -
""",
    {0: ("192.0.2.4", "GET", "/index.html", "200", "Mozilla/5.0+(X11)")},
    "2026-01-02 03:04:05",
    (
        "2026-01-02 03:04:05 192.0.2.4 GET /index.html 200 Mozilla/5.0+(X11)",
        "2026-01-02 03:04:06 192.0.2.5 POST /form 302 curl/8.0",
        "2026-01-02 03:04:09 192.0.2.6 GET /x 404 -",
    ),
)
CSV = Log(
    "csv",
    "headed",
    """\
timestamp,device,reading,unit
2026-01-02T03:04:05Z,"pump, north",17.5,bar
2026-01-02T03:05:05Z,pump south,18.25,bar
2026-01-02T03:06:05Z,valve 3,0.5,l/s
""",
    {0: ("pump, north", "17.5", "bar"), 2: ("valve 3", "0.5", "l/s")},
    "2026-01-02 03:04:05",
    (
        '2026-01-02T03:04:05Z,"pump, north",17.5,bar',
        "2026-01-02T03:05:05Z,pump south,18.25,bar",
        "2026-01-02T03:06:05Z,valve 3,0.5,l/s",
    ),
)
COLUMNS = Log(
    "columns",
    "prose",
    """\
10.0.0.1:5566 [12/Mar/2026:06:56:28.088] front back/web1 0/0/0/12/12 200 20602 - - ---- 19/19/3/4/0 "GET /a HTTP/1.1"
10.0.0.7:5588 [12/Mar/2026:06:56:29.120] front back/web2 0/1/0/15/16 404 310 - - ---- 18/18/2/1/0 "POST /b?c=d HTTP/1.1"
10.0.0.8:1300 [12/Mar/2026:06:56:31.440] front back/web2 1/0/0/11/12 200 99 - - ---- 11/11/2/1/0 "GET / HTTP/1.1"
""",
    {0: ("10.0.0.1", "5566", "front", "back", "web1", "12", "200", "20602", "GET", "/a"), 1: ("/b", "c=d", "404")},
    "2026-03-12 06:56:28.088",
)
PROSE = Log(
    "prose",
    "prose",
    """\
2026-04-01T10:00:00.100+02:00 host1 agentd[77]: Accepted key for alice from 192.0.2.10 port 50001
2026-04-01T10:00:02.000+02:00 host1 agentd[77]: Failed password for invalid user mallory from 198.51.100.3 port 50002
2026-04-01T10:00:04.000+02:00 host1 agentd[78]: Session 4455 of user 'bob' closed after 33 seconds
2026-04-01T10:00:09.000+02:00 host1 agentd[79]: Accepted key for carol from 192.0.2.11 port 50003
""",
    {0: ("alice", "192.0.2.10", "50001", "host1", "agentd"), 1: ("mallory", "198.51.100.3"), 2: ("bob", "4455", "33")},
    "2026-04-01 10:00:00.100",
)
XML = Log(
    "xml",
    "xml",
    """\
<Event xmlns='urn:x'><System><EventID>1</EventID><TimeCreated SystemTime='2026-01-08T11:03:46.617Z'/><Computer>pc1</Computer></System><EventData><Data Name='Image'>C:\\a.exe</Data><Data Name='User'>CORP\\ada</Data></EventData></Event>
<Event xmlns='urn:x'><System><EventID>3</EventID><TimeCreated SystemTime='2026-01-08T11:03:49.000Z'/><Computer>pc2</Computer></System><EventData><Data Name='Image'>C:\\b.exe</Data><Data Name='Port'>443</Data></EventData></Event>
""",
    {0: ("1", "pc1", "C:\\a.exe", "CORP\\ada"), 1: ("3", "443")},
    "2026-01-08 11:03:46.617",
)
LOGS = (VPN, JAVA, JSON_LINES, PRETTY, MIXED_JSON, ACCESS, CEF, LEEF, W3C, CSV, COLUMNS, PROSE, XML)
