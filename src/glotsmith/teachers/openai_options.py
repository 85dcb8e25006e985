"""The options of the teacher ``openai``."""

from typing import Annotated, Any

from msgspec import Meta

from glotsmith.records import Record
from glotsmith.settings import CHANGEABLE, FILE, FIXED

_Price = Annotated[float, Meta(ge=0)]


class OpenAIOptions(Record, frozen=True, kw_only=True):
    """The options, as ``key = value`` in the teacher table of a run configuration."""

    model: Annotated[str, FIXED] = ""  #: name of the model on the server; required
    #: including ``/v1``; default: ``$OPENAI_BASE_URL``, then OpenAI's own
    base_url: Annotated[str, CHANGEABLE] = ""
    #: environment variable with the key; default: ``OPENAI_API_KEY``, which may be unset
    api_key_env: Annotated[str, CHANGEABLE] = ""
    max_concurrency: Annotated[int, CHANGEABLE, Meta(ge=1)] = 64  #: maximum number of requests in flight
    start_concurrency: Annotated[int, CHANGEABLE, Meta(ge=1)] = 8  #: number of requests in flight at the start
    #: limits of the account, in addition to the number in flight; 0 for none
    requests_per_minute: Annotated[float, CHANGEABLE, Meta(ge=0)] = 0.0
    tokens_per_minute: Annotated[float, CHANGEABLE, Meta(ge=0)] = 0.0  #: of prompts and replies; 0 for no limit
    attempts: Annotated[int, CHANGEABLE, Meta(ge=1)] = 8  #: per request
    #: the first wait is random between 0 and this value, which doubles with each attempt
    backoff_s: Annotated[float, CHANGEABLE, Meta(ge=0)] = 1.0
    max_wait_s: Annotated[float, CHANGEABLE, Meta(ge=0)] = 120.0  #: longest wait, even if the server requests more
    connect_timeout_s: Annotated[float, CHANGEABLE, Meta(gt=0)] = 10.0
    timeout_s: Annotated[float, CHANGEABLE, Meta(gt=0)] = 300.0  #: from sending a request to the end of its response
    #: US dollars per million input tokens; by default those of ``prices``, then of the table of the package
    input_price: Annotated[_Price | None, CHANGEABLE] = None
    output_price: Annotated[_Price | None, CHANGEABLE] = None  #: likewise, of output tokens
    prices: Annotated[str, CHANGEABLE, FILE] = ""  #: path of a TOML file with prices (``docs/costs.md``)
    #: additional fields of every request: ``{"repetition_penalty": 1.1}``
    extra: Annotated[dict[str, Any], FIXED] = {}
    #: additional fields of the requests of one call: ``{"vote": {"structured_outputs": {"choice": ["Yes", "No"]}}}``
    by_call: Annotated[dict[str, dict[str, Any]], FIXED] = {}
    #: the server supports ``response_format`` with a JSON schema: replies with several parts are requested as JSON
    structured: Annotated[bool, FIXED] = False
    #: other names for fields; "" omits a field: ``{"max_tokens": "max_completion_tokens", "seed": ""}``
    rename: Annotated[dict[str, str], FIXED] = {}
