import pytest

from glotsmith.errors import UsageError
from glotsmith.shard import Shard, parse_shard


@pytest.mark.parametrize(
    ("text", "shard"),
    [
        ("", None),
        ("1/1", Shard(1, 1)),
        ("2/8", Shard(2, 8)),
        ("08/08", Shard(8, 8)),
        ("10000/10000", Shard(10000, 10000)),
    ],
)
def test_a_shard_is_read(text: str, shard: Shard | None) -> None:
    assert parse_shard(text) == shard


@pytest.mark.parametrize(
    "text", ["0/8", "9/8", "1", "1/", "/8", "a/b", "1/0", "-1/8", "1/8/2", "1.5/8", "1/10001", "²/8", "1/8\n", " 1/8"]
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="must be NUMBER/TOTAL, such as 2/8"):
        parse_shard(text)


@pytest.mark.parametrize("total", [1, 3, 8])
def test_each_key_is_in_exactly_one_shard_and_shards_are_of_similar_size(total: int) -> None:
    shards = [Shard(number, total) for number in range(1, total + 1)]
    keys = [f"key {number}" for number in range(800)]
    assert all(sum(shard.holds(key) for shard in shards) == 1 for key in keys)
    sizes = [sum(map(shard.holds, keys)) for shard in shards]
    assert min(sizes) > 0.7 * max(sizes)
