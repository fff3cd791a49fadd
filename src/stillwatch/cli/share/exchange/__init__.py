"""`stillwatch share setup`, `token`, `serve`, `hub`, `push`, `pull`: exchanging bundles over TAXII 2.1."""
