"""Server-rendered pages: they show nothing that the API does not also offer, and work without JavaScript."""
