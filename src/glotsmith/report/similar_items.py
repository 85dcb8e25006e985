"""Find the kept item to which a dropped item is too similar."""

import re
from typing import Any

from glotsmith.drop_reasons import Reason
from glotsmith.ledger import Ledger, LedgerRow
from glotsmith.report.row_details import describe

#: the details that ``selection.deduplicate`` writes, which end with the key of the kept item
_SIMILAR = re.compile(r"(?:ROUGE-L ([\d.]+) with|the same as) (\S+)$")


def similar_item(ledger: Ledger, row: LedgerRow) -> dict[str, Any] | None:
    """Return the kept item that a dropped item is similar to, with its program; None if there is none."""
    index = ledger.steps.index(row.step)
    found = _SIMILAR.search(row.detail) if row.reason in (Reason.NEAR_DUPLICATE, Reason.EXACT_DUPLICATE) else None
    kept = ledger.find_input(ledger.steps[index - 1], found[2]) if found and index else None
    if found is None or kept is None:
        return None
    like = LedgerRow(row.step, kept.key, kept.key, kept.position, "kept", "", "", kept.data)
    listed, detail = describe(like, None)
    code = detail["code"] or detail["source"]
    score = float(found[1]) if found[1] else 1.0
    return {"key": kept.key, "name": listed.name, "language": listed.language, "score": score, "code": code}
