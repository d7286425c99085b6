"""The same cases in NEST, Brian2 and here: what they are, how each is simulated, and what a run of a peer gave."""
