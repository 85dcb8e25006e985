"""The SQL schema of the ledger, and its longer queries (``ledger.py``)."""

SCHEMA = """
CREATE TABLE steps (place INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, finished INTEGER NOT NULL DEFAULT 0);
CREATE TABLE payloads (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    step INTEGER NOT NULL REFERENCES steps,
    key TEXT NOT NULL,
    parent TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    position TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    payload INTEGER REFERENCES payloads,
    tokens INTEGER NOT NULL,
    cost INTEGER NOT NULL
);
CREATE UNIQUE INDEX items_answered ON items (step, parent, ordinal);
CREATE UNIQUE INDEX items_in_order ON items (step, status, position);
CREATE UNIQUE INDEX items_by_key ON items (step, key) WHERE status = 'kept';
CREATE INDEX items_to_take ON items (step) WHERE status = 'kept';
"""

PENDING = """
SELECT i.id, i.key, i.position, i.payload, p.data
FROM items AS i INDEXED BY items_to_take JOIN payloads AS p ON p.id = i.payload
WHERE i.step = ? AND i.status = 'kept' AND i.id > ?
    AND NOT EXISTS (SELECT 1 FROM items AS a WHERE a.step = ? AND a.parent = i.key)
ORDER BY i.id LIMIT ?
"""

TAKEN = """
SELECT i.id, i.key, i.position, i.payload, p.data FROM items AS i JOIN payloads AS p ON p.id = i.payload
WHERE i.step = ? AND i.key = ? AND i.status = 'kept'
"""

ANSWERED = "SELECT 1 FROM items WHERE step = ? AND parent = ? LIMIT 1"
COUNT = "SELECT COUNT(*) FROM items INDEXED BY items_to_take WHERE step = ? AND status = 'kept'"
ANSWERS = "SELECT COUNT(*) FROM items WHERE step = ? AND ordinal = 0"

ROW = """
SELECT i.step, i.key, i.parent, i.position, i.status, i.reason, i.detail, p.data
FROM items AS i LEFT JOIN payloads AS p ON p.id = i.payload
WHERE i.step = ?
"""

FUNNEL = """SELECT s.name, i.status, i.reason, COUNT(i.id), SUM(i.ordinal = 0), SUM(i.tokens), SUM(i.cost)
FROM steps AS s LEFT JOIN items AS i ON i.step = s.place
GROUP BY s.place, i.status, i.reason ORDER BY s.place
"""
