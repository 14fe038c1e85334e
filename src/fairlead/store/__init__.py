"""SQLAlchemy models, repositories, migrations and encryption at rest. The only SQL."""
