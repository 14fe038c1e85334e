"""Typed inputs and outputs of the API's operations, with their constraints as data. Pure."""
