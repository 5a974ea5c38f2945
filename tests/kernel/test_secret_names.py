"""One rule says which names are those of secrets; the log and the audit log both go by it."""

import time

import pytest

from app.audit.log.diffs import REDACTED, difference
from app.kernel.redaction import MASK, redact, redact_fields, safe_text
from app.kernel.secret_names import MAX_REMEMBERED, is_secret_name

SECRET = """
password Password new_password newPassword PGPASSWORD password_hash passwords passwd passphrase pwd DB_PWD passcode otp
PaSsWoRd db.password password2 smtp-passwd user.passwordHash
secret secrets client_secret client-secret clientSecret clientsecret SPYNE_SECRET secret_v2 secretKey
token tokens access_token accessToken accesstoken refresh-token sessionToken X-CSRF-Token id_token accessTokens token2
authToken OAuth2Token token_endpoint jwt x.jwt JWTs bearer
authorization Authorization Proxy-Authorization AUTHORIZATION cookie cookies Set-Cookie sessionCookie
credential credentials aws.credentials creds
x-api-key X-API-Key api_key API_KEY apiKey ApiKey APIKey apikey api_keys api.key openai_api_key
private_key privateKey PRIVATE_KEY privatekey private-key-pem privateKeys
signing_key signingKey webhook-signing-key access_key accessKey aws_access_key_id AWS_ACCESS_KEY_ID awsAccessKeyId
aws_secret_access_key AWS_SECRET_ACCESS_KEY encryption_key master.key hmac_key shared-key ssh_key
dsn DSN sentry_dsn connection_string connectionString ConnectionStrings CONNECTION-STRING
"""

HARMLESS = """
key keys key_columns keyColumns primary_key primaryKey foreign_key partition-key sort.key idempotency_key
Idempotency-Key object_key flag_key keyboard monkey
public_key publicKey PUBLIC-KEY public_signing_key kid key_id keyId signing_key_id api_key_id sealing
tokens_used tokensUsed max_tokens maxTokens MAX_TOKENS prompt_tokens total-tokens token_type tokenType token_count
tokenizer tokenise secretary secretariat credential_id credentialId
path status ms actor table author authored authority access access_log api connection connections connection_id string
pass passed passenger cooked dsnx jwtx api private signing compass bypass 1 __ -
"""


@pytest.mark.parametrize("name", SECRET.split())
def test_the_value_of_a_secret_name_is_in_neither_log(name: str) -> None:
    assert is_secret_name(name)
    assert redact_fields({name: "hunter22"}) == {name: MASK}
    assert redact({"deep": [{name: "hunter22"}]}) == {"deep": [{name: MASK}]}
    assert difference({name: "hunter22"}, None, None) == ({name: REDACTED}, None)
    assert difference(None, {"deep": [{name: "hunter22"}]}, None) == (None, {"deep": [{name: REDACTED}]})


@pytest.mark.parametrize("name", SECRET.split())
@pytest.mark.parametrize(
    "text", ["with {}=hunter22&x=1", "{}: hunter22", '{{"{}": "hunter22"}}', "https://a.b?{}=hunter22"]
)
def test_nor_within_a_text(name: str, text: str) -> None:
    assert "hunter22" not in safe_text(text.format(name))


@pytest.mark.parametrize("name", HARMLESS.split())
def test_the_value_of_a_harmless_name_is_in_both(name: str) -> None:
    assert not is_secret_name(name)
    assert redact_fields({name: "value 1"}) == {name: "value 1"}
    assert difference({name: "value 1"}, None, None) == ({name: "value 1"}, None)
    assert safe_text(f"the key {name}=value1") == f"the key {name}=value1"


def test_no_name_is_too_long_or_too_odd_to_be_judged() -> None:
    assert is_secret_name("x" * MAX_REMEMBERED + "_token")
    assert redact_fields({"x" * 10_000 + "_token": "hunter22"}).popitem()[1] == MASK
    assert not is_secret_name("")
    assert not is_secret_name("größe \ud800 \x00 日本")
    assert is_secret_name("日本token\x00")


@pytest.mark.parametrize("name", ["aB" * 20_000, "A" * 40_000, "tokens" * 5_000, "api_key_id_" * 4_000, "." * 40_000])
def test_hostile_names_are_judged_in_bounded_time(name: str) -> None:
    started = time.thread_time()
    is_secret_name(name)
    assert time.thread_time() - started < 0.5
