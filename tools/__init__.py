"""Programs for developers of Fairlead: the demonstration and what it shares with tests and benchmarks."""
