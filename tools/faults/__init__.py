"""`make faults`: seeded faults under running transfers, a history of what happened, and a checker of it.

docs/faults.md tells how to read a history and how to repeat a run.
"""
