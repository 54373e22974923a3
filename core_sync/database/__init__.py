"""The one database for stock: engine, transactions, migrations."""
