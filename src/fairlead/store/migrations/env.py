"""Runs migrations on the connection that `fairlead.store.migration` hands over, inside its transaction."""

from alembic import context

from fairlead.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
