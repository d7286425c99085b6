"""The engine: a simulation as a value, and the loop over its steps."""
