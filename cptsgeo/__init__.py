"""See who is covered by a CPTS in France, by what stage and size, and where the white zones are."""
