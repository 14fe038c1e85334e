"""A log that shows when it was changed: canonical records, a Merkle tree over them, signed checkpoints."""
