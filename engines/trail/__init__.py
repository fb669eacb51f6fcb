"""The audit trail: intent before, outcome after, chained and append-only. No intent written, no act."""
