"""Use cases: sessions, nodes, activations, identities, authentication, authorization. Synchronous."""
