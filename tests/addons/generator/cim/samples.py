"""Small logs of different kinds, written by hand, with the fields that an extraction would give."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Log:
    """Texts and the fields of each."""

    texts: tuple[str, ...]
    events: tuple[Mapping[str, str], ...]


def pairs(*texts: str) -> Log:
    """A log of `key=value` and `key="a value"`."""
    found = re.compile(r'([\w.-]+)=(?:"([^"]*)"|(\S*))')
    return Log(texts, tuple({key: quoted or plain for key, quoted, plain in found.findall(text)} for text in texts))


def columns(names: str, *lines: str) -> Log:
    """A log of columns."""
    return Log(lines, tuple(dict(zip(names.split(), line.split(), strict=True)) for line in lines))


def found_by(pattern: str, *texts: str) -> Log:
    """A log whose fields are the named groups of the expression, where they match."""
    matches = [re.search(pattern, text) for text in texts]
    return Log(
        texts,
        tuple({k: v for k, v in match.groupdict().items() if v is not None} if match else {} for match in matches),
    )


LOGINS = found_by(
    r"(?:for (?:invalid user )?(?P<user>\w+) )?from (?P<src_ip>[\d.]+) port (?P<src_port>\d+)",
    "Mar  1 10:00:00 web01 sshd[100]: Failed password for invalid user alice from 198.51.100.7 port 4022 ssh2",
    "Mar  1 10:00:04 web01 sshd[100]: Failed password for root from 198.51.100.7 port 4022 ssh2",
    "Mar  1 10:00:09 web01 sshd[101]: Accepted password for bob from 203.0.113.9 port 50111 ssh2",
    "Mar  1 10:00:09 web01 sshd[101]: Connection closed by peer",
)
FIREWALL = pairs(
    "srcip=10.0.0.5 spt=40000 dstip=192.0.2.1 dpt=443 proto=tcp disposition=accept sentbyte=100 rcvdbyte=2000",
    "srcip=10.0.0.6 spt=40001 dstip=192.0.2.2 dpt=23 proto=tcp disposition=deny sentbyte=60 rcvdbyte=0",
    "srcip=10.0.0.7 spt=40002 dstip=192.0.2.3 dpt=53 proto=udp disposition=accept sentbyte=70 rcvdbyte=120",
)
ACCESS = columns(
    "clientip ident remote_user method uri httpver status bytes referer agent",
    "198.51.100.7 - - GET /index.html HTTP/1.1 200 1043 - curl/8.0",
    "198.51.100.8 - bob POST /login?next=%2F HTTP/1.1 302 512 https://shop.example/ curl/8.0",
    "198.51.100.9 - - GET /missing HTTP/1.1 404 153 - curl/8.0",
)
PROXY = columns(
    "c-ip cs-username cs-method cs-uri sc-status sc-bytes cs-bytes s-action",
    "10.1.1.5 alice GET http://www.example.com/a 200 9000 300 TCP_MISS",
    "10.1.1.6 bob GET http://bad.example.net/x 403 500 280 TCP_DENIED",
    "10.1.1.7 carol POST http://api.example.org/v1 201 700 900 TCP_MISS",
)
IDS = pairs(
    'class=alert msg="intrusion attempt" src=198.51.100.2 dst=10.0.0.9 attack="SQL injection" attackid=1201 act=blocked'
    " severity=high",
    'class=alert msg="intrusion attempt" src=198.51.100.3 dst=10.0.0.9 attack="Shell upload" attackid=1377 act=detected'
    " severity=critical",
)
DHCP = found_by(
    r"(?P<operation>DHCP[A-Z]+) (?:on|for|of) (?P<ip>[\d.]+) (?:to|from) (?P<mac>[0-9a-f:]{17})",
    "Mar  1 10:00:00 gw dhcpd: DHCPACK on 10.0.0.44 to 00:11:22:33:44:55 via eth1",
    "Mar  1 10:00:01 gw dhcpd: DHCPREQUEST for 10.0.0.45 from 00:11:22:33:44:56 via eth1",
    "Mar  1 10:30:01 gw dhcpd: DHCPRELEASE of 10.0.0.44 from 00:11:22:33:44:55 via eth1",
)
DNS = found_by(
    r"client (?P<client_ip>[\d.]+)#(?P<client_port>\d+): query: (?P<qname>\S+) IN (?P<qtype>\w+)",
    "01-Mar-2024 10:00:00.123 client 10.0.0.5#51000: query: www.example.com IN A + (10.0.0.1)",
    "01-Mar-2024 10:00:01.123 client 10.0.0.6#51001: query: mail.example.org IN MX + (10.0.0.1)",
)
MAIL = pairs(
    "relay smtp from=alice@example.com to=bob@example.org msgid=a1 client_ip=198.51.100.4 status=sent size=2000",
    "relay smtp from=spam@example.net to=carol@example.org msgid=a2 client_ip=198.51.100.5 status=rejected size=100",
)
DATABASE = pairs(
    'dbuser=app client_ip=10.0.0.8 db=shop duration=12 statement="SELECT name FROM customers WHERE id=4"',
    'dbuser=admin client_ip=10.0.0.9 db=shop duration=90 statement="DELETE FROM orders"',
)
PROCESSES = pairs(
    'event="Process Create" Image="C:\\Windows\\System32\\cmd.exe" CommandLine="cmd.exe /c whoami" ProcessId=4012'
    ' ParentImage="C:\\Windows\\explorer.exe" User="CORP\\alice" Computer=PC01',
    'event="Process Create" Image="C:\\Windows\\System32\\net.exe" CommandLine="net.exe user" ProcessId=4013'
    ' ParentImage="C:\\Windows\\System32\\cmd.exe" User="CORP\\alice" Computer=PC01',
)
ANTIVIRUS = pairs(
    'Virus found: virus="EICAR-Test" file_path="C:\\Temp\\eicar.com" action=quarantined user=alice computer=PC01',
    'Virus found: virus="Trojan.Gen" file_path="C:\\Users\\bob\\x.exe" action=deleted user=bob computer=PC02',
)
VPN = pairs(
    'logdesc="VPN tunnel" action=tunnel-up remip=198.51.100.8 user=alice tunnelid=77 msg="SSL tunnel established"',
    'logdesc="VPN tunnel" action=tunnel-down remip=198.51.100.8 user=alice tunnelid=77 msg="SSL tunnel closed"',
    'logdesc="VPN login" action=login-fail remip=198.51.100.9 user="N/A" tunnelid=0 msg="SSL user login failed"',
)
ACCOUNTS = pairs(
    'operation="User created" actor=admin object=dave result=success',
    'operation="Password reset" actor=admin object=erin result=success',
    'operation="Group deleted" actor=root object=interns result=success',
)
FILES = pairs(
    'event="File created" path=/etc/cron.d/x user=root computer=web01',
    'event="File deleted" path=/etc/passwd.bak user=root computer=web01',
)
REGISTRY = pairs(
    'operation=SetValue TargetObject="HKLM\\Software\\Run\\x" user=alice Computer=PC01',
    'operation=CreateKey TargetObject="HKCU\\Software\\New" user=bob Computer=PC02',
)
CONNECTIONS = columns(
    "ts id.orig_h id.orig_p id.resp_h id.resp_p proto service orig_bytes resp_bytes",
    "1684329817.579 10.0.0.5 51000 192.0.2.1 443 tcp ssl 500 9000",
    "1684329818.579 10.0.0.6 51001 192.0.2.2 53 udp - 60 120",
)
CERTIFICATES = pairs(
    'subject="CN=www.example.com" issuer="CN=Example CA" serial=0a1b2c server_ip=192.0.2.9',
    'subject="CN=db.example.com" issuer="CN=Example CA" serial=0a1b2d server_ip=192.0.2.10',
)

NOTHING: Mapping[str, Log] = {
    "debug": pairs(
        "level=DEBUG logger=cache.Loader thread=main took=12ms key=user:42 hit=false",
        "level=DEBUG logger=cache.Loader thread=pool-1 took=3ms key=item:7 hit=true",
    ),
    "metrics": pairs(
        "metric=cpu.load value=0.55 host_name=web01 unit=percent", "metric=mem.used value=8123 host_name=web01 unit=MB"
    ),
    "cron": found_by(
        r"CRON\[(?P<pid>\d+)\]: \((?P<user>\w+)\) CMD \((?P<command>.*)\)",
        "Mar  1 10:00:01 web01 CRON[4711]: (root) CMD (run-parts /etc/cron.hourly)",
        "Mar  1 10:05:01 web01 CRON[4712]: (www) CMD (php /srv/task.php)",
    ),
    "stack traces": Log(
        ("java.lang.IllegalStateException: no session", "at com.example.Main.run(Main.java:12)"), ({}, {})
    ),
    "build": pairs(
        "step=compile result=ok duration=12s module=core", "step=test result=failed duration=90s module=web"
    ),
    "garbage collection": pairs("gc=young pause=12ms heap=512M", "gc=full pause=900ms heap=498M"),
    "orders": pairs(
        "order=1001 customer=77 amount=12.50 currency=EUR state=paid",
        "order=1002 customer=78 amount=99.00 currency=EUR state=open",
    ),
    "empty": Log((), ()),
    "sensors": columns("time sensor value", "10:00:01 t1 21.5", "10:00:02 t2 19.0"),
}

ALL: Sequence[Log] = (
    *(LOGINS, FIREWALL, ACCESS, PROXY, IDS, DHCP, DNS, MAIL, DATABASE, PROCESSES, ANTIVIRUS, VPN, ACCOUNTS, FILES),
    *(REGISTRY, CONNECTIONS, CERTIFICATES, *NOTHING.values()),
)
