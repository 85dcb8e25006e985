import os
import random
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

from glotsmith.selection import minhash
from glotsmith.selection.minhash import BANDS, BandTable, GroupMembers, band_marks, minhash_digest, multiset_features


def marks_of(words):
    return band_marks(minhash_digest(words))[0].tolist()


def test_features_tell_occurrences_apart():
    assert multiset_features(["a", "b", "a", "a"]) == ["a", "b", "a 2", "a 3"]


def test_a_signature_depends_on_the_multiset_alone():
    words = ["local", "function", "f", "x", "return", "x", "end"]
    assert marks_of(words) == marks_of(words[::-1])
    assert marks_of(words) != marks_of([*words, "x"])
    assert len(marks_of(words)) == len(marks_of([])) == BANDS


def test_signatures_do_not_depend_on_the_hash_seed():
    code = "from glotsmith.selection.minhash import *; print(band_marks(minhash_digest('a b c a'.split()))[0][:5])"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1


def texts(count):
    rng = random.Random(7)
    themes = [[f"w{rng.randrange(5000)}" for _ in range(12)] for _ in range(count // 4)]
    changed = (list(rng.choice(themes)) for _ in range(count))
    return [[*words[: rng.randrange(4, 13)], f"x{rng.randrange(40)}"] for words in changed]


@pytest.mark.parametrize(("block", "column_bytes"), [(1024, 1 << 26), (16, 1 << 26), (7, 4 * 150 * 3), (1024, 1)])
def test_items_share_a_group_where_they_share_a_mark(monkeypatch, block, column_bytes):
    monkeypatch.setattr(minhash, "_BLOCK", block)
    monkeypatch.setattr(minhash, "_COLUMN_BYTES", column_bytes)
    found = texts(150)
    marks = [marks_of(words) for words in found]
    with closing(BandTable()) as table:
        for words in found:
            table.add(words)
        assert len(table) == 150
        members = GroupMembers(table.number_groups())
        shared = 0
        for number, groups in table.groups(range(150)):
            earlier = [n for n in range(number) if any(a == b for a, b in zip(marks[n], marks[number], strict=True))]
            assert (members.of(groups) if groups is not None else []) == earlier
            shared += len(earlier)
            if groups is not None:
                members.add(groups, number)
    assert 150 < shared < 150 * 149 / 2


def test_items_are_read_in_any_order():
    with closing(BandTable()) as table:
        for words in texts(60):
            table.add(words)
        table.number_groups()
        rows = {number: None if groups is None else groups.tolist() for number, groups in table.groups(range(60))}
        order = random.Random(1).sample(range(60), 60)
        again = [(n, None if groups is None else groups.tolist()) for n, groups in table.groups(order)]
    assert again == [(number, rows[number]) for number in order]


def test_an_empty_table_has_no_groups():
    with closing(BandTable()) as table:
        assert table.number_groups() == 0
        assert [*table.groups(range(0))] == []


def test_members_are_found_after_the_arrays_have_grown():
    members, groups = GroupMembers(3000), np.arange(1, 3001, dtype=np.uint32)
    members.add(groups, 4)
    members.add(groups[:10], 2)
    assert (members.of(groups[:3]), members.of(groups[2000:]), members.of(groups[:0])) == ([2, 4], [4], [])
