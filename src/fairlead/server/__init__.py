"""Composition root: settings, certificates, wiring, the ASGI application."""
