"""Write the selected rows of dataset files without changing them."""

import gzip
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from glotsmith.cli.job_files import GZIP, RawRow, read_raw_rows
from glotsmith.write_aside import write_aside


def write_selected_rows(source: Path, target: Path, selected: Sequence[bool]) -> None:
    """Write the selected rows of a file to another file of the same format.

    The rows keep their bytes, or their values in a Parquet file. If all rows are selected, the file is copied.

    Args:
        source: The file to read: JSONL, a JSON array or Parquet; JSON may be compressed by gzip.
        target: The file to write. It is written completely or not at all, and not if no row is selected.
        selected: For each row of ``read_raw_rows(source)``, whether it is written.

    Raises:
        OSError: A file cannot be read or written.

    """
    if not any(selected):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with write_aside(target) as draft:
        if all(selected):
            shutil.copyfile(source, draft)
        elif source.suffix == ".parquet":
            _write_table(source, draft, selected)
        else:
            _write_json(source, draft, selected)


def _write_table(source: Path, target: Path, selected: Sequence[bool]) -> None:
    arrow, parquet = cast(Any, import_module("pyarrow")), cast(Any, import_module("pyarrow.parquet"))
    start = 0
    with parquet.ParquetFile(source) as table, _table_writer(parquet, table, target) as writer:
        for batch in table.iter_batches():
            writer.write_batch(batch.filter(arrow.array(selected[start : start + len(batch)], arrow.bool_())))
            start += len(batch)


def _table_writer(parquet: Any, table: Any, target: Path) -> Any:
    """Open a Parquet file with the schema and the compression of a table."""
    codec = table.metadata.row_group(0).column(0).compression
    return parquet.ParquetWriter(target, table.schema_arrow, compression="none" if codec == "UNCOMPRESSED" else codec)


def _write_json(source: Path, target: Path, selected: Sequence[bool]) -> None:
    chosen = zip(read_raw_rows(source), selected, strict=True)
    rows = (row for row, is_selected in chosen if is_selected and isinstance(row, RawRow))
    with ExitStack() as stack:
        sink: IO[bytes] = stack.enter_context(target.open("wb"))
        if _is_compressed(source):  # without name and time, so that equal rows give equal bytes
            sink = cast(IO[bytes], stack.enter_context(gzip.GzipFile("", "wb", fileobj=sink, mtime=0)))
        sink.writelines(_json_lines(rows))


def _is_compressed(file: Path) -> bool:
    with file.open("rb") as source:
        return source.read(len(GZIP)) == GZIP


def _json_lines(rows: Iterable[RawRow]) -> Iterator[bytes]:
    """Yield lines, or a JSON array if the rows are elements of one."""
    separator, in_array = b"[\n", False
    for row in rows:
        in_array = row.in_array
        yield separator + row.text if in_array else row.text
        separator = b",\n"
    if in_array:
        yield b"\n]\n"
