"""A configuration with faults is refused in words that name variables, without any value."""

import pytest

from app.commands.environment import NoEnvironmentError, read_settings

WRONG: dict[str, tuple[dict[str, str], str]] = {
    "one variable": (
        {"DATABASE_MAX_OVERFLOW": "-3"},
        "DATABASE_MAX_OVERFLOW: Input should be greater than or equal to 0.",
    ),
    "several together": (
        {"ADDONS_SPLUNK_URL": "https://splunk.example:8089"},
        "ADDONS_SPLUNK_API_KEY is needed with ADDONS_SPLUNK_URL.",
    ),
    "a value that is a secret": (
        {"ADDONS_SPLUNK_URL": "https://admin:hunter2@splunk.example", "ADDONS_SPLUNK_API_KEY": "hunter2"},
        "ADDONS_SPLUNK_URL must be an https URL without login and query.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_faults_name_variables_and_no_value(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables, sentence = WRONG[name]
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(NoEnvironmentError) as refused:
        read_settings()
    assert str(refused.value) == f"The configuration has faults. {sentence}"
