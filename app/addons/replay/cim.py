"""Which fields the data models of Splunk's Common Information Model want, and how far events have them.

An event is of a model where it has all of the model's tags (CIM manual, "How to use these reference tables"). The
required fields are those without which an event says nothing in the model, the recommended ones those that the manual
marks so besides. Models of several datasets stand with each dataset that has tags of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.addons.replay.events import ReplayedEvent
from app.addons.replay.report import ModelCoverage


@dataclass(frozen=True)
class DataModel:
    """A data model or dataset: its tags and the names of its fields."""

    name: str
    tags: frozenset[str]
    required: tuple[str, ...]
    recommended: tuple[str, ...] = ()


def _model(name: str, tags: str, required: str, recommended: str = "") -> DataModel:
    return DataModel(name, frozenset(tags.split()), tuple(required.split()), tuple(recommended.split()))


MODELS: Sequence[DataModel] = (
    _model("Alerts", "alert", "severity type", "app dest signature signature_id src user"),
    _model("Authentication", "authentication", "action app dest src user", "src_user vendor_product"),
    _model("Certificates", "certificate", "ssl_subject ssl_issuer", "ssl_serial ssl_start_time ssl_end_time ssl_hash"),
    _model(
        "Change",
        "change",
        "action change_type dest object user",
        "command dvc object_attrs object_category object_id object_path result src status vendor_product",
    ),
    _model("Data_Access", "data access", "action app dest object user", "object_category object_id src vendor_product"),
    _model("DLP", "dlp incident", "action category dest signature user", "dlp_type dvc object severity src src_user"),
    _model("Databases", "database", "dest user", "object response_time duration vendor_product"),
    _model(
        "Email",
        "email",
        "action recipient src src_user",
        "dest message_id recipient_domain src_user_domain subject size vendor_product",
    ),
    _model("Endpoint.Ports", "listening port", "dest dest_port transport", "src src_port user vendor_product"),
    _model(
        "Endpoint.Processes",
        "process report",
        "dest process process_name user",
        "parent_process parent_process_name process_id process_path vendor_product",
    ),
    _model("Endpoint.Services", "service report", "dest service status", "service_id service_name start_mode user"),
    _model(
        "Endpoint.Filesystem",
        "endpoint filesystem",
        "action dest file_name file_path user",
        "file_hash file_size file_acl file_access_time file_create_time file_modify_time vendor_product",
    ),
    _model(
        "Endpoint.Registry",
        "endpoint registry",
        "action dest registry_path registry_key_name user",
        "registry_value_data registry_value_name registry_value_type vendor_product",
    ),
    _model(
        "Intrusion_Detection",
        "ids attack",
        "action category dest severity signature src",
        "dvc ids_type user vendor_product",
    ),
    _model(
        "Malware",
        "malware attack",
        "action dest signature",
        "category date file_hash file_name file_path severity user vendor_product",
    ),
    _model(
        "Network_Resolution",
        "network resolution dns",
        "dest query src",
        "answer message_type record_type reply_code reply_code_id vendor_product",
    ),
    _model(
        "Network_Sessions",
        "network session",
        "action dest_ip",
        "dest_dns dest_mac dest_nt_host duration signature src_ip user vendor_product",
    ),
    _model(
        "Network_Traffic",
        "network communicate",
        "action dest dest_port src src_port transport",
        "bytes bytes_in bytes_out dvc rule user vendor_product",
    ),
    _model("Performance", "performance", "dest", "cpu_load_percent mem_used storage_used uptime"),
    _model("Ticket_Management", "ticketing", "dest ticket_id", "description priority severity status user"),
    _model("Updates", "update status", "dest signature status", "signature_id severity vendor_product"),
    _model(
        "Vulnerabilities", "vulnerability report", "dest severity signature", "category cve cvss dvc vendor_product"
    ),
    _model(
        "Web",
        "web",
        "action dest http_method src status url",
        "bytes bytes_in bytes_out http_content_type http_referrer http_user_agent url_domain user vendor_product",
    ),
)


def models_of(tags: Iterable[str]) -> list[DataModel]:
    """The models whose tags are all among these."""
    given = frozenset(tags)
    return [model for model in MODELS if model.tags <= given]


def coverage(events: Sequence[ReplayedEvent]) -> tuple[ModelCoverage, ...]:
    """For each model that an event is of: in how many of these events each field has a value."""
    by_tags: dict[tuple[str, ...], list[ReplayedEvent]] = {}
    for event in events:
        if event.tags:
            by_tags.setdefault(event.tags, []).append(event)
    found = []
    for model in MODELS:
        members = [event for tags, tagged in by_tags.items() if model.tags <= set(tags) for event in tagged]
        if members:
            required, recommended = (
                {name: sum(name in event.fields for event in members) for name in names}
                for names in (model.required, model.recommended)
            )
            found.append(ModelCoverage(model.name, len(members), required, recommended))
    return tuple(found)
