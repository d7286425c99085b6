"""New members as a user would write them, one file for each family; the test of discovery puts them into a copy of the package."""
