"""Training of the models that are shipped as data; nothing here runs when serving."""
