"""Run the steps of a pipeline until the ledger has a result for every item."""
