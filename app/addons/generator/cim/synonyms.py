"""What vendors call the fields of the Common Information Model, and which values such a field may have.

Public vocabularies: Elastic Common Schema, the dictionary of CEF, LEEF's attributes, W3C extended logs, Zeek, Windows
events, Suricata's EVE, access logs of nginx, Apache and HAProxy, netfilter. Names stand as `normalized` makes them:
lower case letters and digits alone, so `src-ip`, `src_ip` and `SrcIP` are one. The likelier name stands first.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ValueKind(StrEnum):
    """What the values of a role must look like for a field to have the role."""

    ADDRESS = "address"
    HOST = "host"
    PORT = "port"
    COUNT = "count"
    DURATION = "duration"
    TOKEN = "token"  # noqa: S105 - a kind of value
    ANY = "any"
    NAME = "name"
    METHOD = "method"
    STATUS = "status"
    URL = "url"
    URI = "uri"
    TRANSPORT = "transport"
    MAC = "mac"
    EMAIL = "email"
    PATH = "path"
    HASH = "hash"
    DOMAIN = "domain"
    SQL = "sql"
    REGISTRY = "registry"


@dataclass(frozen=True)
class Role:
    """One field of CIM: the kind of its values and its synonyms."""

    kind: ValueKind
    synonyms: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _role(kind: ValueKind, words: str) -> Role:
    return Role(kind, _words(words))


ROLES: Mapping[str, Role] = {
    "src_ip": _role(
        ValueKind.ADDRESS,
        "srcip src sourceip sourceaddress srcaddr saddr sip sourceipaddress clientip clientaddress clientaddr cip"
        " remoteaddr remoteaddress remoteip remip ipaddress idorigh origh callingstationid sourceipv4address"
        " source rhost clienthost callerip calleripaddress calleripaddr attackerip originip requestremoteip"
        " requestclientip httpclientip peerip userip client remotehost xforwardedfor sourcenetworkaddress ip",
    ),
    "src_port": _role(
        ValueKind.PORT,
        "srcport sourceport spt sport clientport remoteport idorigp origp ipport cport srcprt sourcetransportport",
    ),
    "dest_ip": _role(
        ValueKind.ADDRESS,
        "destip dest destinationip destinationaddress dstip dst dstaddr daddr destaddr dip serverip serveraddress"
        " serveraddr idresph resph destinationipv4address targetip localip localaddress destination server victimip"
        " assignedip tunnelip virtualip leasedip yiaddr privateip framedipaddress",
    ),
    "dest_port": _role(
        ValueKind.PORT,
        "destport destinationport dstport dpt dport serverport idrespp respp localport targetport"
        " destinationtransportport requestport",
    ),
    "src_host": _role(
        ValueKind.HOST, "srchost sourcehost sourcehostname shost clienthostname workstationname workstation srcname"
    ),
    "dest_host": _role(
        ValueKind.HOST,
        "desthost destinationhost destinationhostname dhost dsthost servername computer computername hostname cshost"
        " httphost devicehostname endpoint machinename",
    ),
    "src_mac": _role(ValueKind.MAC, "srcmac sourcemac smac clientmac mac macaddress hwaddr chaddr sourcemacaddress"),
    "dest_mac": _role(ValueKind.MAC, "destmac destinationmac dmac dstmac"),
    "src_translated_ip": _role(ValueKind.ADDRESS, "srctranslatedip natsrcip sourcetranslatedaddress transip"),
    "dest_translated_ip": _role(ValueKind.ADDRESS, "desttranslatedip natdstip destinationtranslatedaddress"),
    "src_interface": _role(ValueKind.TOKEN, "srcinterface srcintf in inboundinterface iniface inzone srczone ingress"),
    "dest_interface": _role(ValueKind.TOKEN, "destinterface dstintf out outboundinterface outiface dstzone egress"),
    "user": _role(
        ValueKind.TOKEN,
        "user username targetusername duser usrname userid uname acct account accountname logonname remoteuser"
        " csusername destuser userprincipalname principal principalname upn login loginname loginuser dbuser"
        " authuser useridentity useridentityusername subjectusername actor actorname useremail"
        " requestuser actoralternateid admin identity suser samaccountname sourceuser operator",
    ),
    "src_user": _role(ValueKind.TOKEN, "srcuser subjectusername ruser sourceusername callername initiatedby"),
    "sender": _role(ValueKind.EMAIL, "from sender mailfrom envelopefrom srcuser fromaddress senderaddress suser"),
    "recipient": _role(ValueKind.EMAIL, "to recipient recipients rcptto rcpt envelopeto toaddress recipientaddress"),
    "message_id": _role(ValueKind.TOKEN, "messageid msgid internalmessageid"),
    "subject": _role(ValueKind.ANY, "subject mailsubject"),
    "vendor_action": _role(
        ValueKind.NAME,
        "vendoraction action act eventaction alertaction deviceaction disposition verdict outcome result resultstatus"
        " eventoutcome success decision utmaction ruleaction policyaction actiontaken actionresult authresult response"
        " propertiesresult filterresult scstatustext res",
    ),
    "status": _role(
        ValueKind.STATUS,
        "status statuscode scstatus httpstatus httpstatuscode responsecode httpresponsestatuscode responsestatus"
        " responsestatuscode elbstatuscode httpcode code",
    ),
    "http_method": _role(
        ValueKind.METHOD,
        "httpmethod method requestmethod csmethod verb httprequestmethod httpverb requesttype reqmethod",
    ),
    "url": _role(
        ValueKind.URL, "url requesturl csuri uri urloriginal fullurl requesturi urlfull httpurl requesturl targeturl"
    ),
    "uri_path": _role(
        ValueKind.URI,
        "uripath urlpath csuristem path requestpath requesturi uri url requesturl httpurl httppath resource"
        " request httprequest urloriginal requestline target endpoint",
    ),
    "uri_query": _role(ValueKind.ANY, "uriquery csuriquery querystring urlquery args"),
    "http_user_agent": _role(
        ValueKind.ANY,
        "httpuseragent useragent csuseragent agent httpuseragentoriginal useragentoriginal requestclientapplication"
        " httprequestuseragent requestheadersuseragent ua",
    ),
    "http_referrer": _role(
        ValueKind.URL, "httpreferrer httpreferer referer referrer csreferer httprefer httprequestreferrer"
    ),
    "http_content_type": _role(ValueKind.ANY, "httpcontenttype contenttype mimetype httprequestmimetype scontenttype"),
    "http_version": _role(ValueKind.ANY, "httpversion httpprotocol csversion requestprotocol httpver protocolversion"),
    "site": _role(ValueKind.DOMAIN, "site vhost virtualhost cshost httphost requesthost serverfqdn domain"),
    "bytes": _role(
        ValueKind.COUNT,
        "bytes size bytessent bodybytessent totalbytes responsesize contentlength networkbytes responsebytes"
        " httpresponsebodybytes len length bodysize",
    ),
    "bytes_in": _role(
        ValueKind.COUNT,
        "bytesin csbytes rcvdbyte rcvdbytes bytesreceived receivedbytes inbytes bytestoclient flowbytestoclient"
        " respbytes destinationbytes requestlength bytesread",
    ),
    "bytes_out": _role(
        ValueKind.COUNT,
        "bytesout scbytes sentbyte sentbytes bytessent outbytes bytestoserver flowbytestoserver origbytes sourcebytes"
        " bodybytessent",
    ),
    "packets_in": _role(ValueKind.COUNT, "packetsin rcvdpkt pktstoclient flowpktstoclient resppkts packetsreceived"),
    "packets_out": _role(ValueKind.COUNT, "packetsout sentpkt pktstoserver flowpktstoserver origpkts packetssent"),
    "duration": _role(ValueKind.DURATION, "duration elapsed timetaken requesttime responsetime sessionduration"),
    "transport": _role(
        ValueKind.TRANSPORT, "transport proto protocol ipprotocol networktransport transportprotocol ipproto"
    ),
    "app": _role(ValueKind.TOKEN, "app application service appname applicationname networkapplication appproto"),
    "signature": _role(
        ValueKind.NAME,
        "signature alertsignature signaturename attackname attack threatname alertname detectionname virusname"
        " virus malwarename threat ipssignature eventsignature alert detection vulnerability idssignature",
    ),
    "signature_id": _role(
        ValueKind.TOKEN, "signatureid alertsignatureid sid threatid attackid ruleid ipssignatureid detectionid"
    ),
    "category": _role(ValueKind.ANY, "category alertcategory threatcategory attackcategory classification"),
    "severity": _role(ValueKind.TOKEN, "severity alertseverity threatseverity risk priority risklevel"),
    "dvc": _role(ValueKind.HOST, "dvc devname devicename dvchost deviceaddress deviceip observername observerip"),
    "process_path": _role(
        ValueKind.PATH, "processpath image exe processexecutable newprocessname executable filename imagepath"
    ),
    "process": _role(ValueKind.ANY, "process commandline processcommandline cmdline cmd processcmdline command"),
    "process_name": _role(ValueKind.TOKEN, "processname comm processinfo imagename"),
    "process_id": _role(ValueKind.TOKEN, "processid pid newprocessid processpid"),
    "parent_process": _role(ValueKind.ANY, "parentprocess parentcommandline parentcmdline processparentcommandline"),
    "parent_process_path": _role(
        ValueKind.PATH, "parentprocesspath parentimage parentprocessname processparentexecutable parentexe"
    ),
    "parent_process_id": _role(ValueKind.TOKEN, "parentprocessid ppid parentpid processparentpid creatorprocessid"),
    "file_path": _role(
        ValueKind.PATH, "filepath targetfilename path filename fullpath objectname infectedfile file object"
    ),
    "file_name": _role(ValueKind.TOKEN, "filename fname file"),
    "file_hash": _role(ValueKind.HASH, "filehash sha256 sha1 md5 hash filehashsha256 hashes filesha256 filemd5"),
    "registry_path": _role(ValueKind.REGISTRY, "registrypath targetobject registrykey regkey objectname keypath"),
    "service_name": _role(ValueKind.ANY, "servicename unit param1 winlogservicename"),
    "query": _role(
        ValueKind.DOMAIN, "query queryname qname dnsquestionname rrname dnsrrname dnsquery name domain hostname"
    ),
    "record_type": _role(ValueKind.TOKEN, "recordtype qtypename querytype qtype rrtype dnsrrtype dnsquestiontype type"),
    "reply_code": _role(ValueKind.TOKEN, "replycode rcodename rcode dnsrcode dnsresponsecode responsecode querystatus"),
    "answer": _role(ValueKind.ANY, "answer answers rdata dnsrdata queryresults dnsanswersdata"),
    "sql": _role(ValueKind.SQL, "query sql statement sqltext sqlstatement querytext command dbquery text object info"),
    "database": _role(ValueKind.TOKEN, "database db dbname databasename schema catalog"),
    "ssl_subject": _role(ValueKind.ANY, "sslsubject certificatesubject certsubject subject tlssubject"),
    "ssl_issuer": _role(ValueKind.ANY, "sslissuer issuer certificateissuer certissuer issuerdn tlsissuerdn"),
    "ssl_serial": _role(ValueKind.TOKEN, "sslserial serial serialnumber certificateserial tlsserial"),
    "object": _role(ValueKind.ANY, "object objectname targetobject resource resourcename groupname targetname target"),
    "session_id": _role(ValueKind.TOKEN, "sessionid sid session logonid tunnelid"),
    "logon_type": _role(ValueKind.COUNT, "logontype"),
    "authentication_package": _role(ValueKind.TOKEN, "authenticationpackagename authenticationpackage authpackage"),
    "failure_reason": _role(ValueKind.ANY, "failurereason substatus"),
    "reason": _role(ValueKind.ANY, "reason failurereason resultreason cause errorreason"),
}
"""By CIM's name. `sender`, `sql` and `process_path` have their own name here, as CIM's depends on the model."""

CLASS_NAMES = frozenset(
    _words(
        "action act eventtype event eventname eventaction eventcategory operation operationname category subcategory"
        " type subtype activity logdesc taskcategory task name msgtype eventclass description logtype"
        " activitydisplayname eventsubtype displaymessage"
        " legacyeventtype signature"
    )
)
"""Names of fields that say of what class an event is, `normalized`."""

_W3C = re.compile(r"([cs])[-_](ip|port|dns|computername)\Z")
_W3C_SIDES = {"c": "client", "s": "server"}
"""Extended Log File Format (W3C): prefixes of fields."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def normalized(name: str) -> str:
    """The name's letters and digits in lower case; W3C's `s-port` is the server's and no `sport`."""
    w3c = _W3C.match(name)
    if w3c:
        return f"{_W3C_SIDES[w3c[1]]}{w3c[2]}"
    return re.sub(r"[^a-z0-9]", "", name.lower())


def name_endings(name: str) -> tuple[str, ...]:
    """The normalized name and the normalized ends of its path: `a.src.ip` gives `asrcip`, `srcip`, `ip`.

    Dots and braces part the path, as in Splunk's names of nested JSON.
    """
    parts = [part for part in re.split(r"[.{}]+", name) if part][-6:]
    ends = [normalized("".join(parts[start:])) for start in range(len(parts))]
    return tuple(dict.fromkeys((*(end for end in ends if end),))) or (normalized(name),)


def separated(value: str) -> str:
    """The value in lower case with blanks where camel case changes: `ConsoleLogin` gives `console login`."""
    return _CAMEL.sub(" ", value[:400]).lower()
