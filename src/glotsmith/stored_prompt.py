"""The text of a prompt, as a run and its dataset store it."""

from glotsmith.records import Record


class StoredPrompt(Record, frozen=True, kw_only=True):
    """The texts of one version of a prompt."""

    version: str  #: as in ``Lineage.prompt_version``
    call: str  #: name of the prompt
    file: str  #: name of its file
    texts: dict[str, str]  #: name of a file → its text, with the files that the prompt includes
