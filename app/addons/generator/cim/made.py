"""Fields of CIM that are made of other fields: names out of paths, URLs out of their parts, a request's action."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from app.addons.generator.cim.evidence import Evidence, Source
from app.addons.generator.cim.expressions import (
    failure_action,
    last_part,
    proxy_action,
    quoted_field,
    server_action,
    transport,
    url_of_parts,
)
from app.addons.generator.cim.mapping import FieldView
from app.addons.generator.shapes.shape import Shape

_LAST_PARTS = {
    "process_name": "process_path",
    "parent_process_name": "parent_process_path",
    "file_name": "file_path",
    "registry_key_name": "registry_path",
}
"""Names that are the last part of a path (CIM manual, Endpoint)."""


def made_fields(source: Source, found: Sequence[Evidence]) -> Mapping[str, str]:
    """By field the expression; none for a field that the format has itself or that has a field of its own."""
    wanted = {name for each in found for name in each.kind.fields}
    own = {view.name for view in source.views}
    return {name: made for name, made in _made(source, found) if name in wanted and name not in own}


def whole_urls(source: Source) -> bool:
    """Whether requests name whole URLs, as those to a proxy do."""
    return any(view.profile.shape in {Shape.URL, Shape.HOST_PORT} for view in source.roles.get("url", ()))


def _first(source: Source, role: str) -> FieldView | None:
    return next(iter(source.roles.get(role, ())), None)


def _made(source: Source, found: Sequence[Evidence]) -> Iterator[tuple[str, str]]:
    for name, path_role in _LAST_PARTS.items():
        path = _first(source, path_role)
        if path and not source.roles.get(name):
            yield name, last_part(path)
    protocol = _first(source, "transport")
    if protocol:
        yield "transport", transport(protocol)
    uri = _first(source, "uri_path")
    if uri and not source.roles.get("url"):
        yield "url", url_of_parts(uri, _first(source, "uri_query"))
    service = _first(source, "service_name")
    if service:
        yield "service", quoted_field(service.name)
    status = _first(source, "status")
    if status and [each.kind.name for each in found if each.kind.outcomes] == ["web"]:
        yield "action", proxy_action(status) if whole_urls(source) else server_action(status)
    failure = _first(source, "failure_reason")
    if failure and [each.kind.name for each in found if each.kind.name == "logon" or each.kind.outcomes] == ["logon"]:
        yield "action", failure_action(failure)
    if any(each.kind.name == "alert" for each in found):
        yield "type", '"alert"'


def with_leases(source: Source, found: Sequence[Evidence]) -> Source:
    """The source with a lease's address as `dest_ip`, where all events are of DHCP.

    CIM manual, Network Sessions: `dest_ip` and `dest_mac` are those of the client that gets the lease; `src_ip` does
    not apply to DHCP.
    """
    if [each.kind.name for each in found] != ["dhcp"] or source.roles.get("dest_ip"):
        return source
    roles = {name: views for name, views in source.roles.items() if name not in {"src_ip", "src_mac"}}
    for side in ("ip", "mac"):
        if f"src_{side}" in source.roles:
            roles.setdefault(f"dest_{side}", source.roles[f"src_{side}"])
    return replace(source, roles=roles)
