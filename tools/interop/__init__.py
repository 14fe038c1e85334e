"""`make interop`: which tools work between which ends, and how fast; makes docs/interop.md."""
