"""Ways to say an address that the service must not call, with `{port}` for the port of a canary that waits there."""

from typing import Final

LOOPBACK_BY_NUMBER: Final = (
    "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.00.00.01", "0127.0.0.1", "0177.0.0.1", "0177.0.0.01",
    "00000177.0.0.1", "0x7f.0.0.1", "0x7F.0x0.0x0.0x1", "0x7f000001", "0x000000007f000001", "2130706433",
    "017700000001", "127.0x1", "0x7f.1", "127.0.0.1.", "0", "0.0.0.0", "00.00", "4294967295.1", "6425673729",
    "127.0.0.1%00", "127.0.0.1%20", "%31%32%37.0.0.1", "127.255.255.254",
)  # fmt: skip
"""IPv4 as inet_aton(3) reads it: decimal, octal, hexadecimal, one to four parts."""

LOOPBACK_BY_IPV6: Final = (
    "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[::ffff:0:127.0.0.1]", "[2001:0:7f00:1::]",
    "[::1%25lo]", "[::1%lo]", "[::1%251]", "[fe80::1%25lo]", "[::ffff:127.0.0.1%25lo]", "[0:0::1]", "[::0001]",
)  # fmt: skip

LOOPBACK_BY_NAME: Final = (
    "localhost", "LOCALHOST", "LocalHost", "localhost.", "localhost.localdomain", "localhost6", "ip6-localhost",
    "ip6-loopback", "localhost%00.example.test", "127\u30020\uff0e0\uff611", "\uff11\uff12\uff17.0.0.1",
    "\u2460\u2461\u2466.0.0.1", "\uff4cocalhost", "l\u00adocalhost",
    "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3",
)  # fmt: skip
"""With ideographic and fullwidth dots, fullwidth and circled digits and letters, and a soft hyphen."""

PRIVATE: Final = (
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "169.254.169.254", "169.254.170.2",
    "100.100.100.200", "192.0.0.192", "168.63.129.16.", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376",
    "[fd00:ec2::254]", "[fe80::a9fe:a9fe]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fc00::1]", "[fec0::1]",
    "[ff02::1]", "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "[100::1]", "[2001:db8::1]",
)  # fmt: skip
"""Private networks, link-local addresses, and where clouds serve their metadata."""

HOSTS: Final = (*LOOPBACK_BY_NUMBER, *LOOPBACK_BY_IPV6, *LOOPBACK_BY_NAME, *(h for h in PRIVATE if h[:3] != "168"))

WHOLE: Final = (
    "http://user:pass@127.0.0.1:{port}/",
    "http://example.test@127.0.0.1:{port}/",
    "http://example.test:80@127.0.0.1:{port}/",
    "http://example.test%40127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@example.test/",
    "http://example.test#@127.0.0.1:{port}/",
    "http://example.test?@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.test/",
    "http://127.0.0.1:{port}\\@example.test/",
    "http://example.test\\@127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}\\",
    "http:/\\127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http:////127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    " http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/ ",
    "\thttp://127.0.0.1:{port}/",
    "ht\ttp://127.0.0.1:{port}/",
    "http://127.0.\t0.1:{port}/",
    "http://127.0.0.1\n:{port}/",
    "http://127.0.0.1\r\nHost: example.test:{port}/",
    "http://example.test\r\n@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/\r\nX-Injected: 1",
    "http://127.0.0.1\x00.example.test:{port}/",
    "http://127.0.0.1:0{port}/",
    "http://127.0.0.1:+{port}/",
    "http://127.0.0.1:{port}:80/",
    "http://127.0.0.1: {port}/",
    "http://[::1]:{port}:80/",
    "http://[::1]{port}/",
    "http://[127.0.0.1]:{port}/",
    "http://[::1/:{port}",
    "http://::1:{port}/",
    "http://0:{port}/",
    "http://127.0.0.1:{port}/../../",
    "HTTP://127.0.0.1:{port}/",
    "hTTp://LOCALHOST:{port}/",
    "https://127.0.0.1:{port}/",
    "https://localhost:{port}/",
    "ws://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET%20/",
    "dict://127.0.0.1:{port}/info",
    "ldap://127.0.0.1:{port}/",
    "tftp://127.0.0.1:{port}/x",
    "jar:http://127.0.0.1:{port}/!/",
    "url:http://127.0.0.1:{port}/",
    "view-source:http://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "file://127.0.0.1:{port}/etc/passwd",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "http://unix:/var/run/docker.sock:/info",
    "data:text/plain,hello",
    "javascript:fetch('http://127.0.0.1:{port}')",
    "about:blank",
    "",
    "http://",
    "http://:{port}/",
    "http://.:{port}/",
    "http://..:{port}/",
    "http://127.0.0.1:{port}" + "/" * 5_000,
)  # fmt: skip


def urls(port: int) -> list[str]:
    """All of them."""
    hosts = [f"http://{host}:{port}/latest/meta-data/" for host in HOSTS]
    return hosts + [url.replace("{port}", str(port)) for url in WHOLE]
