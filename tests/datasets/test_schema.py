import msgspec
import pytest

from glotsmith.datasets.schema import arrow_type, columns, features, plain
from glotsmith.records import Example


def test_every_field_of_the_record_is_a_column():
    assert list(columns()) == [field.name for field in msgspec.structs.fields(Example)]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("id", "string"),
        ("pass_rate", "double"),
        ("tests", "list<item: string>"),
        ("messages", "list<item: struct<role: string, content: string>>"),
    ],
)
def test_arrow_types(column, kind):
    assert str(arrow_type(columns()[column])) == kind


def test_a_row_has_all_fields_whatever_their_value(make_example):
    row = plain(make_example())
    assert list(row) == list(columns())
    assert row["lineage"]["repaired_from"] == "" and row["lineage"]["seed"] == 0
    assert row["tests"] == [] and row["messages"][0] == {"role": "user", "content": "Write."}


def test_the_cards_features_name_every_column():
    names = [line.removeprefix("  - name: ") for line in features() if line.startswith("  - name: ")]
    assert names == list(columns())
