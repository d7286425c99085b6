"""Speed of jaxsnn_noise beside its peers, measured on one machine in one go: ``python -m experiments.bench --help``.

The parent process imports no simulator. Every system under test is a worker process, with an interpreter of its own
where its packages lie elsewhere; all workers take turns, one timed run each per round, so that the noise of the machine
hits all alike. No time is shown of a system whose results differ.
"""
