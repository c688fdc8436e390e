"""Teams and the projects that belong to them."""
