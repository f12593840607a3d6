"""The layouts of the official producers, one module each."""
