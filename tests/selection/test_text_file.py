from contextlib import closing

from glotsmith.selection.text_file import TextFile


def test_texts_are_read_by_number_also_while_more_are_added():
    texts = ["", "abc", "é" * 70_000, chr(0x10FFFF) + chr(0xD800), "last\n\0"]
    with closing(TextFile()) as file:
        for number, text in enumerate(texts):
            file.add(text)
            assert file[number] == text
            assert len(file) == number + 1
        assert [file[number] for number in range(5)] == texts
