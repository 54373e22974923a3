"""Our own wording of failures: grammars over causes, in seven languages, and the writer that speaks them."""
