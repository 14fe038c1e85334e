"""AWS wire conventions: ARN, Signature Version 4, the JSON 1.1 and Query protocols, constraints. Pure."""
