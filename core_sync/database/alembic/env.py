"""Run a room's migrations on the connection that was handed in."""

from alembic import context

config = context.config
context.configure(
    connection=config.attributes["connection"],
    version_table=config.get_main_option("version_table") or "alembic_version",
    transaction_per_migration=False,
)
context.run_migrations()
