from array import array

import pytest

from glotsmith.errors import UsageError
from glotsmith.records import content_hash
from glotsmith.selection import text_store
from glotsmith.selection.signatures import SIGNATURE_BYTES
from glotsmith.selection.text_store import ALL_BANDS, EXACT, GROUP, StoredText, TextStore
from glotsmith.selection.token_hashes import token_hashes


def text(number, language="lua"):
    return StoredText(
        f"key {number} é\ud800",
        f" w{number}  end".encode(),
        content_hash(str(number // 2)),
        content_hash("g"),
        language,
    )


@pytest.mark.parametrize("count", [0, 3, 4, 9])
def test_a_store_returns_what_was_added_also_when_it_is_saved(count, tmp_path, monkeypatch):
    monkeypatch.setattr(text_store, "_BLOCK", 4)
    monkeypatch.setattr(text_store, "_WAITING_BYTES", 20)
    store = TextStore(tmp_path / "store")
    for number in range(count):
        store.add(text(number))
        store.kept[number] = number % 2
    store.flush()
    bands = [b"".join(store.band(band)) for band in range(ALL_BANDS)]
    store.save(tmp_path / "saved")
    saved = TextStore(tmp_path / "saved", saved=True)
    assert len(saved) == count and list(saved.kept) == [number % 2 for number in range(count)]
    for number in range(count):
        assert saved.key(number) == text(number).key
        assert saved.text(number).tobytes() == token_hashes([text(number).tokens]).hashes.tobytes()
        assert saved.identity(number).exact == bytes.fromhex(text(number).exact)
        assert saved.lengths[number] == 2
    assert [b"".join(saved.band(band)) for band in range(ALL_BANDS)] == bands
    assert len(b"".join(saved.signatures())) == SIGNATURE_BYTES * count
    assert {len(array("I", band)) for band in bands} == {count}
    exact = array("I", bands[EXACT])
    assert all((exact[n] == exact[m]) == (n // 2 == m // 2) for n in range(count) for m in range(count))
    assert len(set(array("I", bands[GROUP]))) == min(count, 1)
    saved.close()


def test_texts_of_other_languages_share_no_mark(tmp_path):
    store = TextStore(tmp_path)
    for language in ("lua", "julia"):
        store.add(text(0, language))
    store.flush()
    assert all(len(set(array("I", b"".join(store.band(band))))) == 2 for band in range(ALL_BANDS))
    store.close()


def test_a_segment_with_other_marks_is_refused(tmp_path, monkeypatch):
    store = TextStore(tmp_path / "store")
    store.add(text(0))
    store.flush()
    store.save(tmp_path / "saved")
    monkeypatch.setattr(text_store, "_FORMAT", text_store._FORMAT + 1)
    with pytest.raises(UsageError, match="saved: another version of glotsmith wrote this part"):
        TextStore(tmp_path / "saved", saved=True)


def test_texts_that_are_not_compared_resemble_no_other(tmp_path):
    store = TextStore(tmp_path, similar=False)
    for number in (0, 1, 2):
        store.add(text(number)._replace(tokens=b"the same"))
    store.flush()
    bands = [array("I", b"".join(store.band(band))) for band in range(ALL_BANDS)]
    assert all(len(set(band)) == 3 for band in bands[:EXACT])
    assert len(b"".join(store.signatures())) == SIGNATURE_BYTES * 3
    store.close()


def test_texts_without_words_share_a_band_only_if_they_are_equal(tmp_path):
    store = TextStore(tmp_path)
    for number in (0, 1, 2):  # 0 and 1 are equal
        store.add(text(number)._replace(tokens=b" ", group=content_hash(str(number))))
    store.flush()
    bands = [array("I", b"".join(store.band(band))) for band in range(ALL_BANDS - 1)]
    assert all(band[0] == band[1] != band[2] for band in bands)
    store.close()
