"""The shapes a value can have. What belongs to each stands in `fragments.py`."""

from enum import StrEnum


class Shape(StrEnum):
    """What a value looks like, whatever the field is called.

    A port, a status code or a country code has no form of its own (an integer, two letters): names tell these, not
    shapes. `IP` is what values have in common when some are IPv4 and some IPv6: no single value has that shape.
    """

    PLACEHOLDER = "placeholder"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    IP = "ip"
    IP_PORT = "ip_port"
    HOST_PORT = "host_port"
    MAC = "mac"
    TIMESTAMP = "timestamp"
    URL = "url"
    EMAIL = "email"
    USER_AT_HOST = "user_at_host"
    REGISTRY_KEY = "registry_key"
    PATH_WINDOWS = "path_windows"
    WINDOWS_ACCOUNT = "windows_account"
    UUID = "uuid"
    SID = "sid"
    EPOCH = "epoch"
    INTEGER = "integer"
    SIGNED = "signed"
    DECIMAL = "decimal"
    DURATION = "duration"
    BYTES = "bytes"
    VERSION = "version"
    HASH_MD5 = "hash_md5"
    HASH_SHA1 = "hash_sha1"
    HASH_SHA256 = "hash_sha256"
    HASH_SHA512 = "hash_sha512"
    HEX = "hex"
    SEVERITY = "severity"
    HTTP_METHOD = "http_method"
    HTTP_VERSION = "http_version"
    TLS_VERSION = "tls_version"
    BOOLEAN = "boolean"
    PROTOCOL = "protocol"
    MIME_TYPE = "mime_type"
    USER_AGENT = "user_agent"
    PATH_UNIX = "path_unix"
    URI_PATH = "uri_path"
    DOMAIN_NAME = "domain_name"
    WORD = "word"
    TEXT = "text"
