"""The fields that Splunk finds by itself: KV_MODE with AUTO_KV_JSON and KV_TRIM_SPACES (props.conf.spec)."""

from app.addons.replay.formats.json_fields import is_json, json_fields
from app.addons.replay.formats.key_values import escaped_key_values, key_values
from app.addons.replay.formats.table_fields import table_fields
from app.addons.replay.formats.xml_fields import xml_fields
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import Settings
from app.addons.replay.settings.values import switch

MODES = ("none", "auto", "auto_escaped", "multi", "json", "xml")


class AutomaticFields:
    """Extracts what KV_MODE says."""

    def __init__(self, settings: Settings, findings: Findings) -> None:
        mode = settings.values.get("KV_MODE", "auto").strip().lower() or "auto"
        if mode not in MODES:
            findings.add(f"{settings.named('KV_MODE')}: {mode[:80]} is none of {', '.join(MODES)}; auto is used")
            mode = "auto"
        if mode == "multi":
            findings.add(f"{settings.named('KV_MODE')}: multi makes events of lines; here they stay one event")
        self.mode = mode
        self._with_json = switch(settings.values, "AUTO_KV_JSON", default=True)
        self._trimmed = switch(settings.values, "KV_TRIM_SPACES", default=True)

    def found(self, raw: str) -> dict[str, list[str]]:
        """The values of each field."""
        if self.mode == "none":
            return {}
        if self.mode == "json":
            return json_fields(raw)
        if self.mode == "xml":
            return xml_fields(raw)
        if self.mode == "multi":
            return table_fields(raw)
        pairs = key_values if self.mode == "auto" else escaped_key_values
        found = json_fields(raw) if self._with_json and is_json(raw) else {}
        for name, values in pairs(raw, trimmed=self._trimmed).items():
            found.setdefault(name, values)
        return found
