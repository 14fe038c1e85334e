"""Fairlead: an open, self-hosted Session Manager."""
