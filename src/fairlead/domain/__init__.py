"""Frozen values, status transitions, domain errors and repository interfaces. Pure."""
