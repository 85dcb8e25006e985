"""What looks like a key, and what only looks a little like one."""

from typing import Any

import pytest

from glotsmith.credentials import HIDDEN, is_secret_setting, redact, refuse_arguments, refuse_secrets
from glotsmith.errors import UsageError

KEYS = [
    "sk-abc123",
    "sk-proj-9fQ2xLr7Tz0aVbN4",
    "sk-ant-api03-Zk3vQ9x1Lm",
    "hf_AbCdEfGhIjKlMnOpQrStUvWxYz",
    "hf_1a2b3c4d5e6f",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "github_pat_11ABCDEFG0aBcDeFgHiJkL",
    "glpat-x1Y2z3A4b5C6",
    "xai-AbCd1234EfGh5678",
    "gsk_1234abcd5678efgh",
    "nvapi-Ab12Cd34Ef56",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig_1-2",
    "xoxb-123456789012-abcdefABCDEF",
    "Bearer 0123abcd",
    "Basic dXNlcjpwYXNz1==",
    "-----BEGIN RSA PRIVATE KEY-----",
    "http://user:hunter2@localhost:8000/v1",
    "https://hunter2token@host/v1",
    "http://localhost/v1?api_key=hunter2",
    "https://host/v1?region=eu&sig=hunter2",
    "Authorization: hunter2",
]
WORDS = [
    "Qwen/Qwen2.5-Coder-7B-Instruct",
    "./sk-learn/src",
    "package:hf_datasets",
    "runs/task-ocaml-2024",
    "risk-assessment-2023x",
    "http://localhost:8000/v1",
    "https://host/v1?region=eu",
    "gpt-4.1-mini-2025-04-14",
    "basic arithmetic",
    "the bearer of news",
    "0f2d6c1b9a8e7d6c5b4a39281706f5e4d3c2b1a0",
    "hf:bigcode/the-stack-smol:default:train",
]


@pytest.mark.parametrize("text", KEYS)
def test_a_key_is_refused_anywhere_and_never_repeated(text: str) -> None:
    secret = "hunter2" if "hunter2" in text else text
    for table in ({"model": text}, {"a": {"b": ["x", text]}}, {"extra": {"list": [{"deep": text}]}}, {text: 1}):
        with pytest.raises(UsageError) as error:
            refuse_secrets(table)
        assert secret not in str(error.value)
    assert secret not in redact(f"an error about {text}, in the middle")


@pytest.mark.parametrize("text", WORDS)
def test_a_word_is_no_key(text: str) -> None:
    refuse_secrets({"model": text, "sources": [text]})
    refuse_arguments(["run", "-s", text, f"--model={text}", "--set", f"column={text}"])
    assert redact(text) == text


@pytest.mark.parametrize(
    "name",
    [
        *("api_key", "apiKey", "api-key", "key", "OPENAI_API_KEY", "teacher.token", "access_token", "secret", "auth"),
        *("client_secret", "password", "passwd", "Authorization", "X-Api-Key", "proxy-authorization", "Cookie"),
    ],
)
def test_a_name_tells_that_a_setting_is_a_key(name: str) -> None:
    assert is_secret_setting(name, "x")
    with pytest.raises(UsageError) as error:
        refuse_secrets({"teacher": {"options": {name: "hunter2"}}}, "run.toml")
    assert str(error.value).startswith(f"run.toml: teacher.options.{name} looks like a key")
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", 512),
        ("max_tokens", "512"),
        ("evaluation_tokens", 5),
        ("api_key_env", "MY_KEY"),
        ("token_file", "token"),
        ("stop_token", "<|end|>"),
        ("stop_token_ids", [1, 2]),
        ("prompt_cache_key", "glotsmith"),
        ("key", 5),
        ("api_key", ""),
        ("api_key", None),
        ("monkey", "x"),
        ("authors", "x"),
    ],
)
def test_a_name_that_is_harmless(name: str, value: Any) -> None:
    refuse_secrets({name: value})


def test_a_long_value_of_a_header_is_a_key() -> None:
    refuse_secrets({"extra_headers": {"X-Team": "compilers"}, "extra": {"run": "0123456789abcdef0123456789abcdef"}})
    with pytest.raises(UsageError, match=r"extra_headers\.X-Team looks like a key"):
        refuse_secrets({"extra_headers": {"X-Team": "0123456789abcdef0123456789abcdef"}})


def test_the_value_of_a_secret_variable_is_a_key_wherever_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_secrets({"model": "correct horse battery"})
    monkeypatch.setenv("OUR_GATEWAY_TOKEN", "correct horse battery")
    monkeypatch.setenv("SOME_KEY", "EMPTY")
    refuse_secrets({"model": "EMPTY"})
    with pytest.raises(UsageError, match="model looks like a key"):
        refuse_secrets({"model": "say correct horse battery twice"})
    assert redact("correct horse battery") == HIDDEN


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "multipl-t", "--set", "teacher.api_key=hunter2"],
        ["run", "multipl-t", "--set", 'teacher.extra={"headers": {"Authorization": "hunter2"}}'],
        ["run", "multipl-t", "--set", 'teacher.by_call={"vote": {"password": 1234567}}'],
        ["evaluate", "humaneval", "--api-key", "hunter2"],
        ["evaluate", "humaneval", "--base-url=http://u:hunter2@h/v1"],
        ["train", "sft", "run", "-m", "sk-abc123"],
        ["hf_1a2b3c4d5e6f"],
        ["export", "run", "-osk-abc123"],
    ],
)
def test_a_command_line_with_a_key_is_refused(arguments: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        refuse_arguments(arguments)
    for secret in ("hunter2", "1234567", "sk-abc123", "hf_1a2b3c4d5e6f"):
        assert secret not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["run", "multipl-t", "-o", "sk-abc123"], "-o looks like a key"),
        (["run", "multipl-t", "--output", "sk-abc123"], "--output looks like a key"),
        (["run", "multipl-t", "--output=sk-abc123"], "--output looks like a key"),
        (["export", "run", "-osk-abc123"], "-o looks like a key"),
        (["train", "sft", "run", "-m", "sk-abc123"], "-m looks like a key"),
        (["evaluate", "humaneval", "--api-key", "hunter2"], "--api-key looks like a key"),
        (["run", "x", "--set", "teacher.api_key=hunter2"], "--set teacher.api_key looks like a key"),
        (["run", "x", "--set", "column=sk-abc123"], "--set column looks like a key"),
        (["run", "x", "--set", 'teacher.extra={"password": "hunter2"}'], "--set teacher.extra.password looks like"),
        (["sk-abc123"], "an argument looks like a key"),
        (["run", "--sk-abc123"], "the command line looks like a key"),
    ],
)
def test_an_option_is_named_as_it_is_typed(arguments: list[str], place: str) -> None:
    with pytest.raises(UsageError) as error:
        refuse_arguments(arguments)
    assert str(error.value).startswith(place)
