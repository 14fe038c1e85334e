"""IAM evaluation: documents and a request in, a decision with its reasons out. Pure."""
