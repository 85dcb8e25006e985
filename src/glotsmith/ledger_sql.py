"""The SQL schema of the ledger, and its longer queries (``ledger.py``).

The table ``keys`` has each key of ``items`` once; ``items`` refers to keys by number. Numbers grow in the order of
arrival, so the indexes of ``items`` grow nearly at their ends, and a transaction writes few pages, however many rows
there are. Keys are content hashes: an index of their texts in each step would have a random page for each row.

The view ``item_rows`` has the rows of ``items`` with the texts of their keys.
"""

VERSION = 2  #: of the schema

SCHEMA = """
CREATE TABLE steps (place INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, finished INTEGER NOT NULL DEFAULT 0);
CREATE TABLE payloads (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE keys (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    step INTEGER NOT NULL REFERENCES steps,
    key_id INTEGER NOT NULL REFERENCES keys,
    parent_id INTEGER NOT NULL REFERENCES keys,
    ordinal INTEGER NOT NULL,
    position TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    payload INTEGER REFERENCES payloads,
    tokens INTEGER NOT NULL,
    cost INTEGER NOT NULL
);
CREATE UNIQUE INDEX items_answered ON items (step, parent_id, ordinal);
CREATE UNIQUE INDEX items_in_order ON items (step, status, position);
CREATE UNIQUE INDEX items_by_key ON items (step, key_id) WHERE status = 'kept';
CREATE INDEX items_to_take ON items (step) WHERE status = 'kept';
CREATE VIEW item_rows AS
SELECT i.id, i.step, own.key, input.key AS parent, i.ordinal, i.position, i.status, i.reason, i.detail, i.payload,
    i.tokens, i.cost
FROM items AS i JOIN keys AS own ON own.id = i.key_id JOIN keys AS input ON input.id = i.parent_id;
"""

INSERT_KEY = "INSERT INTO keys (key) VALUES (?)"
KEY_NUMBER = "SELECT id FROM keys WHERE key = ?"
INSERT_ITEM = "INSERT INTO items VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

#: columns in the order of ``StepInput``
PENDING = """
SELECT k.key, i.position, i.id, i.payload, p.data, k.id
FROM items AS i INDEXED BY items_to_take JOIN payloads AS p ON p.id = i.payload JOIN keys AS k ON k.id = i.key_id
WHERE i.step = ? AND i.status = 'kept' AND i.id > ?
    AND NOT EXISTS (SELECT 1 FROM items AS a WHERE a.step = ? AND a.parent_id = i.key_id)
ORDER BY i.id LIMIT ?
"""

TAKEN = """
SELECT k.key, i.position, i.id, i.payload, p.data, k.id
FROM keys AS k CROSS JOIN items AS i ON i.key_id = k.id JOIN payloads AS p ON p.id = i.payload
WHERE i.step = ? AND k.key = ? AND i.status = 'kept'
"""

#: the input from which a step has kept an output, by the number or the text of its key
KEPT_FROM_NUMBER = """
SELECT k.key FROM items AS i JOIN keys AS k ON k.id = i.parent_id
WHERE i.step = ? AND i.key_id = ? AND i.status = 'kept'
"""
KEPT_FROM = "SELECT parent FROM item_rows WHERE step = ? AND key = ? AND status = 'kept'"

HAS_RESULT = """
SELECT 1 FROM keys AS k CROSS JOIN items AS i ON i.parent_id = k.id WHERE i.step = ? AND k.key = ? LIMIT 1
"""
COUNT = "SELECT COUNT(*) FROM items INDEXED BY items_to_take WHERE step = ? AND status = 'kept'"
COUNT_RESULTS = "SELECT COUNT(*) FROM items WHERE step = ? AND ordinal = 0"

ROW = """
SELECT i.step, i.key, i.parent, i.position, i.status, i.reason, i.detail, p.data
FROM item_rows AS i LEFT JOIN payloads AS p ON p.id = i.payload
WHERE i.step = ?
"""

FUNNEL = """SELECT s.place, i.status, i.reason, COUNT(i.id), SUM(i.ordinal = 0), SUM(i.tokens), SUM(i.cost)
FROM steps AS s LEFT JOIN items AS i ON i.step = s.place
GROUP BY s.place, i.status, i.reason ORDER BY s.place
"""
