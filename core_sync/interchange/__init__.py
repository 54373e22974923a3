"""The public formats of files and messages: tables, source profiles, tolerant readers and exact writers."""
